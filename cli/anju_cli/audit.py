"""`anju platform audit`: whether histories and looks are as they were written, and heads to keep elsewhere."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from anju_platform.audit_trail.service import KeptHead, read_heads, verify_trails
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.settings import load

app = typer.Typer(no_args_is_help=True, help="Whether histories and looks were changed.")
console = Console()


@app.command()
def verify(
    heads: Annotated[Path | None, typer.Option(help="File of `anju platform audit heads`, kept elsewhere.")] = None,
) -> None:
    """Check every sealed entry; name those that were altered, deleted or inserted, and exit with 1 if there are any."""
    kept = [] if heads is None else [KeptHead(**row) for row in json.loads(heads.read_bytes())]
    with _work() as work:
        work.only_read()
        found = verify_trails(work, kept)
    for one in found.findings:
        number = "" if one.number is None else f" #{one.number}"
        typer.echo(f"{one.trail}{number} {one.entry_id or '–'}: {one.fault.value}")
    console.print(f"{found.sealed} entries checked, {found.waiting} wait for their seal, {len(found.findings)} faults")
    if found.findings:
        raise typer.Exit(1)


@app.command()
def heads(out: Annotated[Path, typer.Option("--out", help="File to write.")]) -> None:
    """Write the last link of each chain, to be kept where nobody who can change the database can change it."""
    with _work() as work:
        work.only_read()
        rows = [dataclasses.asdict(head) for head in read_heads(work)]
    out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _work() -> UnitOfWork:
    settings = load()
    sessions = make_sessions(make_engine(settings.database_url.get_secret_value()))
    return UnitOfWork(sessions, EventDispatcher(), settings.parsed_clock())
