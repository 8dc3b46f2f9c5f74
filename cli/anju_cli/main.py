"""The entry point of `anju`: imports the module of the sub-command that was asked for, and no other.

A gateway installs neither FastAPI nor SQLAlchemy; the help page therefore lists the other sub-commands from a table.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from importlib.metadata import version

import typer

_GROUPS = ("Try it", "Run a subcommand", "Measure and train")


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One sub-command: its module (with a Typer `app` or a function `command`), the extra it needs, and its help."""

    module: str
    extra: str
    group: str
    help: str


SUBCOMMANDS: dict[str, Subcommand] = {
    "demo": Subcommand(
        "anju_cli.demo", "demo", _GROUPS[0], "A whole district on this machine: broker, platform, 20 homes."
    ),
    "sim": Subcommand(
        "anju_cli.sim", "sim", _GROUPS[0], "Simulated homes, replayed recordings, scenarios with a verdict."
    ),
    "platform": Subcommand(
        "anju_cli.platform", "platform", _GROUPS[1], "The platform: serve, migrate, seed, accounts."
    ),
    "gateway": Subcommand("anju_gateway.cli", "gateway", _GROUPS[1], "What runs in a home: devices, spool, uplink."),
    "broker": Subcommand("anju_cli.broker", "demo", _GROUPS[1], "An embedded MQTT broker for demo and development."),
    "detect": Subcommand("anju_cli.detect", "detect", _GROUPS[2], "Run the detectors over recordings."),
    "train": Subcommand(
        "anju_research.commands.train", "research", _GROUPS[2], "Fit the shipped models to recordings anew."
    ),
    "evaluate": Subcommand(
        "anju_research.commands.evaluate", "research", _GROUPS[2], "Judge the detectors on unseen homes."
    ),
    "bench": Subcommand("anju_research.commands.bench", "research", _GROUPS[2], "Measure, as ratios within one run."),
}


def load_subcommand(name: str, subcommand: Subcommand) -> object:
    """Import a sub-command; prints what to install and exits with status 2 where its extra is not installed."""
    try:
        return importlib.import_module(subcommand.module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        # A missing module of ours is a defect, except that research is a distribution of its own.
        if not package or (package.startswith("anju_") and error.name != "anju_research"):
            raise
        print(  # noqa: T201 - before any console exists
            f"anju {name} needs {error.name}, which is not installed: pip install 'anju[{subcommand.extra}]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None


def build_cli(wanted: str | None) -> typer.Typer:
    """Return the command tree with the wanted sub-command imported and the others listed."""
    root = typer.Typer(
        help="Anju 安居: keeps old people who live alone safe at home.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,
        epilog="Start with [bold]anju demo[/bold]. Each sub-command explains itself: anju demo --help",
    )

    @root.callback(invoke_without_command=True)
    def _root(
        *, show_version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True)
    ) -> None:
        if show_version:
            typer.echo(f"anju {version('anju')}")
            raise typer.Exit

    for name, subcommand in SUBCOMMANDS.items():
        module = load_subcommand(name, subcommand) if name == wanted else None
        if module is None:
            root.command(name, help=subcommand.help, rich_help_panel=subcommand.group)(_listed_only)
        elif hasattr(module, "app"):
            root.add_typer(module.app, name=name, help=subcommand.help, rich_help_panel=subcommand.group)
        else:
            root.command(name, help=subcommand.help, rich_help_panel=subcommand.group)(module.command)  # type: ignore[attr-defined]
    return root


def _listed_only() -> None:
    """Represent a sub-command that was not asked for in the help page."""


def run() -> None:
    """Run the command line. What it writes is its owner's alone: databases, spools, snapshots, logs."""
    os.umask(0o077)
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    build_cli(wanted if wanted in SUBCOMMANDS else None)()
