"""`anju gateway check`: put a gateway of any maker through the course of docs/protocol.md."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from anju_gateway.conformance.course import Course
from anju_gateway.conformance.findings import Check, Findings
from anju_gateway.conformance.operator import CommandOperator, HandOperator, Operator
from anju_gateway.conformance.platform_side import BrokerInUse, CheckTarget, PlatformSide
from anju_wire.topics import is_slug

PASSWORD = "ANJU_CHECK_PASSWORD"  # noqa: S105 - the variable's name
_CANNOT_TRY = 2


def check(
    host: str = typer.Argument(help="The broker that the gateway under test is connected to; no platform may use it."),
    *,
    home: str = typer.Option(..., help="COMMUNITY/HOME that the gateway speaks for."),
    port: int = typer.Option(1883, min=1, max=65535),
    username: str = typer.Option("", help=f"Of a user that may play the platform; its password is in {PASSWORD}."),
    ca: Path | None = typer.Option(None, exists=True, help="Certificate of the broker's authority: connects by TLS."),
    act: str = typer.Option(
        "", help="Command that presses, moves, stops or starts it: COMMAND press. Else you are asked."
    ),
    patience: float = typer.Option(30.0, min=1.0, help="Longest wait for what must come, s."),
    quiet: float = typer.Option(8.0, min=0.5, help="How long nothing may come, s: longer than it waits to send again."),
) -> None:
    """Try a gateway of any maker: play the platform, and say what it does otherwise than docs/protocol.md asks."""
    community, _, name = home.partition("/")
    if not (is_slug(community) and is_slug(name)):
        raise typer.BadParameter(f"{home!r} is not COMMUNITY/HOME", param_hint="--home")
    password = os.environ.get(PASSWORD, "")
    line = CheckTarget(
        host=host, port=port, community=community, home=name, username=username, password=password, ca=ca
    )
    operator: Operator = CommandOperator(shlex.split(act)) if act else HandOperator(_ask)
    try:
        with PlatformSide(line) as platform:
            course = Course(
                platform, operator, patience_s=patience, quiet_s=quiet, tell=lambda step: typer.echo(f"… {step}")
            )
            findings = course.run()
    except BrokerInUse:
        typer.echo(f"anju gateway check: a platform is online on {host}:{port}; use a broker of its own", err=True)
        raise typer.Exit(_CANNOT_TRY) from None
    except (OSError, subprocess.SubprocessError) as error:
        typer.echo(f"anju gateway check: {error}", err=True)
        raise typer.Exit(_CANNOT_TRY) from None
    show_findings(findings, Console())
    raise typer.Exit(0 if findings.conforms else 1)


def show_findings(findings: Findings, console: Console) -> None:
    """Print a line for each check."""
    table = Table("", "what is asked", "what was seen", title="Against docs/protocol.md")
    for one in Check:
        mark = {True: "[green]ok[/]", False: "[red]no[/]", None: "[yellow]not tried[/]"}[findings.held.get(one)]
        table.add_row(mark, one.value, findings.seen.get(one, ""))
    console.print(table)
    held = sum(findings.held.get(one, False) for one in Check)
    console.print(f"{held} of {len(Check)} held")


def _ask(words: str) -> None:
    typer.prompt(words, default="", show_default=False, prompt_suffix=" ")
