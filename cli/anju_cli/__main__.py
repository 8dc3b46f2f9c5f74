"""`python -m anju_cli`, the same as `anju`."""

from anju_cli.main import run

if __name__ == "__main__":
    run()
