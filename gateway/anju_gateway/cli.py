"""`anju gateway`: run the gateway of a home, look at its spool, and try a gateway of any maker."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

import structlog
import typer
from rich.console import Console
from rich.table import Table

from anju_gateway.conformance.cli import check
from anju_gateway.fleet import FleetTooLarge, GatewayDied, GatewayFleet
from anju_gateway.settings import HomeSettings, InvalidConfiguration, load_fleet, load_home
from anju_gateway.spool_file import SpoolInUse
from anju_wire.clock import ENVIRONMENT, Clock
from anju_wire.vocabulary import SPOOLED_LANES

app = typer.Typer(no_args_is_help=True)
app.command()(check)

_CONFIG = typer.Option(None, "--config", help="One home: TOML or JSON; the environment (ANJU_GATEWAY_…) wins over it.")
_FLEET = typer.Option(None, "--fleet", help="Several homes in this process: JSON, TOML or YAML with a list `homes`.")


@app.command()
def run(
    config: Path | None = _CONFIG,
    fleet: Path | None = _FLEET,
    *,
    log_level: str = typer.Option("info", help="debug, info, warning or error."),
    log_json: bool = typer.Option(False, "--log-json", help="One JSON object per line."),
) -> None:
    """Serve until SIGTERM or Ctrl-C: devices → spool → platform, and announcements to the elder."""
    _set_up_log(log_level, as_json=log_json)
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    try:
        homes = _homes(config, fleet)
        serving = GatewayFleet(homes, Clock.parse(os.environ.get(ENVIRONMENT, "")))
        typer.echo(f"gateway ready {len(homes)}")
        serving.serve(stopping)
    except (InvalidConfiguration, SpoolInUse, FleetTooLarge, GatewayDied, OSError, ValueError) as error:
        typer.echo(f"anju gateway: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, InvalidConfiguration) else 1) from None


@app.command()
def status(config: Path | None = _CONFIG, fleet: Path | None = _FLEET) -> None:
    """Show what each home's spool holds; works beside a running gateway."""
    try:
        homes = _homes(config, fleet)
    except InvalidConfiguration as error:
        typer.echo(f"anju gateway: {error}", err=True)
        raise typer.Exit(2) from None
    table = Table("home", *SPOOLED_LANES, "staged", "KiB", "dropped", "epoch", title="Waiting for the platform's ack")
    notes = []
    for home in homes:
        try:
            table.add_row(home.home, *read_spool_row(home.spool))
        except (OSError, sqlite3.Error) as error:
            notes.append(f"{home.home}: {error}")
    Console().print(table)
    for note in notes:
        typer.echo(note)


def _homes(config: Path | None, fleet: Path | None) -> list[HomeSettings]:
    if config and fleet:
        raise InvalidConfiguration(fleet, ["--config and --fleet exclude each other"])
    return load_fleet(fleet) if fleet else [load_home(config)]


def read_spool_row(path: Path) -> list[str]:
    """Return a table row about one spool, read beside a running gateway. Raises `OSError` and `sqlite3.Error`."""
    if not path.exists():
        raise FileNotFoundError(f"no spool yet at {path}")
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)
    try:
        meta = dict(db.execute("SELECT key, value FROM meta"))
        held = dict(db.execute("SELECT lane, COUNT(*) FROM message GROUP BY lane"))
        size = db.execute("SELECT COALESCE(SUM(LENGTH(pack)), 0) FROM message").fetchone()[0]
        staged = db.execute("SELECT COUNT(*) FROM staged").fetchone()[0]
    finally:
        db.close()
    waiting = [str(held.get(lane, 0)) for lane in SPOOLED_LANES]
    return [*waiting, str(staged), f"{size / 1024:.1f}", str(meta["dropped"]), str(meta["epoch"])]


def _set_up_log(level: str, *, as_json: bool) -> None:
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise typer.BadParameter(f"{level!r} is no log level", param_hint="--log-level")
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if as_json else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
