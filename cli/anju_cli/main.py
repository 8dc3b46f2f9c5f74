"""Finds the sub-command's module and hands over to it.

A gateway installs neither FastAPI nor SQLAlchemy, so that only the module of the sub-command that was asked for is
imported; the others are listed by the words of this table.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from importlib.metadata import version

import typer

_GROUPS = ("Try it", "Run a part", "Measure and train")


@dataclass(frozen=True, slots=True)
class Part:
    """One sub-command: its module (which holds a Typer `app` or a function `command`), and what it is for."""

    module: str
    extra: str
    group: str
    help: str


PARTS: dict[str, Part] = {
    "demo": Part("anju_cli.demo", "demo", _GROUPS[0], "A whole district on this machine: broker, platform, 20 homes."),
    "sim": Part("anju_cli.sim", "sim", _GROUPS[0], "Simulated homes, replayed recordings, scenarios with a verdict."),
    "platform": Part("anju_cli.platform", "platform", _GROUPS[1], "The platform: serve, migrate, seed, accounts."),
    "gateway": Part("anju_gateway.cli", "gateway", _GROUPS[1], "What runs in a home: devices, spool, uplink."),
    "broker": Part("anju_cli.broker", "demo", _GROUPS[1], "An embedded MQTT broker for demo and development."),
    "detect": Part("anju_cli.detect", "detect", _GROUPS[2], "Run the detectors over recordings."),
    "train": Part("anju_research.commands.train", "research", _GROUPS[2], "Fit the shipped models to recordings anew."),
    "evaluate": Part("anju_research.commands.evaluate", "research", _GROUPS[2], "Judge the detectors on unseen homes."),
    "bench": Part("anju_research.commands.bench", "research", _GROUPS[2], "Measure, as ratios within one run."),
}


def load(name: str, part: Part) -> object:
    """Import a sub-command; prints what to install and exits with status 2 where its extra is not installed."""
    try:
        return importlib.import_module(part.module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        # A missing module of ours is a defect, except that research is a distribution of its own.
        if not package or (package.startswith("anju_") and error.name != "anju_research"):
            raise
        print(  # noqa: T201 - before any console exists
            f"anju {name} needs {error.name}, which is not installed: pip install 'anju[{part.extra}]'", file=sys.stderr
        )
        raise SystemExit(2) from None


def build(wanted: str | None) -> typer.Typer:
    """The command tree with the wanted sub-command loaded and the others named."""
    root = typer.Typer(
        help="Anju 安居: keeps old people who live alone safe at home. 看护独居老人，让每一次求助都有人回应。",
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

    for name, part in PARTS.items():
        module = load(name, part) if name == wanted else None
        if module is None:
            root.command(name, help=part.help, rich_help_panel=part.group)(_named_only)
        elif hasattr(module, "app"):
            root.add_typer(module.app, name=name, help=part.help, rich_help_panel=part.group)
        else:
            root.command(name, help=part.help, rich_help_panel=part.group)(module.command)  # type: ignore[attr-defined]
    return root


def _named_only() -> None:
    """Stands in the list of a help page for a sub-command that was not asked for."""


def run() -> None:
    """Entry point of `anju`."""
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    build(wanted if wanted in PARTS else None)()
