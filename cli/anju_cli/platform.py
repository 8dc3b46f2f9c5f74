"""`anju platform`: the platform's process, its database and its accounts."""

from __future__ import annotations

import dataclasses
import json
import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from anju_cli import audit
from anju_core.errors import DomainError
from anju_core.scope import WHOLE_DISTRICT, ScopeKind
from anju_core.vocabulary import Role
from anju_platform.accounts.looks import record_command
from anju_platform.accounts.service import AccountService, NewAccount
from anju_platform.app import migrate as migrations
from anju_platform.app import seed as seeding
from anju_platform.app.database_roles import SameRole, grant_service
from anju_platform.app.fleet import MOST_HOMES, Surroundings, make_fleet
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.oncall.service import OncallService
from anju_platform.residents.directory import list_communities
from anju_platform.residents.service import ResidentService
from anju_platform.sensitivity.service import ChangedBy, SensitivityService
from anju_platform.sensitivity.targets import FalseAlertTarget
from anju_platform.settings import InvalidSettings, Settings, load
from anju_wire.fleet import BrokerAddress, encode_fleet

app = typer.Typer(no_args_is_help=True, help="The platform: serve, migrate, seed, accounts, communities.")
accounts = typer.Typer(no_args_is_help=True, help="Who may sign in.")
app.add_typer(accounts, name="accounts")
communities = typer.Typer(no_args_is_help=True, help="How many false alerts a community accepts.")
app.add_typer(communities, name="communities")
app.add_typer(audit.app, name="audit")

Out = Annotated[Path, typer.Option("--out", help="File to write.")]
Homes = Annotated[int, typer.Option(min=1, max=MOST_HOMES, help="Number of fictitious homes.")]
console = Console()


@app.command()
def serve() -> None:
    """Run the platform: ingest, detection, escalation, and the web pages. Settings come from ANJU_… variables."""
    settings = _settings()
    has, wants = migrations.current(_url(settings)), migrations.head()
    if has != wants:
        typer.secho(f"the records are at revision {has}, this version needs {wants}: anju platform migrate", err=True)
        raise typer.Exit(2)
    from anju_platform.app import bootstrap, server  # noqa: PLC0415 - the other commands need neither MQTT nor detection

    server.run(settings, bootstrap.build(settings))


@app.command()
def migrate() -> None:
    """Bring the database to this version's tables; safe to repeat."""
    settings = _settings()
    _upgrade(settings)
    console.print(f"records are at revision {migrations.current(_url(settings))}")


@app.command()
def revision(
    message: Annotated[str, typer.Argument(help="What the migration does, in a few words.")] = "The first tables",
    renew: Annotated[
        bool, typer.Option("--renew", help="Replace the newest migration (before it was released).")
    ] = False,
) -> None:
    """Write a migration from the difference between the models and the newest migration (for developers)."""
    files = sorted(path for path in (migrations.MIGRATIONS / "versions").glob("*.py"))
    if renew and files:
        files.pop().unlink()
    with tempfile.TemporaryDirectory() as scratch:
        url = f"sqlite:///{scratch}/records.sqlite3"
        migrations.upgrade(url)
        migrations.revise(url, message, f"{len(files) + 1:04d}")


@app.command()
def seed(
    homes: Homes = 20,
    print_logins: Annotated[
        Path | None,
        typer.Option("--print-logins", help="JSON file for the logins (mode 0600) instead of the terminal."),
    ] = None,
) -> None:
    """Add a fictitious community and give each demo account a random password. Never in a real district."""
    with _work(_settings()) as (work, access):
        logins = seeding.seed(work, access, homes)
    if print_logins is not None:
        rows = [dataclasses.asdict(login) for login in logins]
        _write_secret(print_logins, json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("login", "password", "role", "name")
    for login in logins:
        table.add_row(login.login, login.password, login.role.value, login.name)
    console.print(table)


@app.command()
def fleet(
    out: Out,
    homes: Homes = 20,
    broker: Annotated[str, typer.Option(help="HOST:PORT of the district's broker.")] = "127.0.0.1:1883",
    bus: Annotated[str, typer.Option(help="HOST:PORT of the homes' local bus.")] = "127.0.0.1:1884",
    spool: Annotated[Path, typer.Option(help="Folder for the gateways' spools.")] = Path("spool"),
    ca: Annotated[str, typer.Option(help="Certificate authority of the district's broker.")] = "",
    passwords: Annotated[Path | None, typer.Option(help="JSON file: home id → password at the broker.")] = None,
) -> None:
    """Write the fleet file of the fictitious homes, for `anju gateway run --fleet` and the simulator."""
    known = json.loads(passwords.read_text(encoding="utf-8")) if passwords else {}
    around = Surroundings(uplink=_endpoint(broker), bus=_endpoint(bus), spool=spool.resolve(), ca=ca, passwords=known)
    _write_secret(out, encode_fleet(make_fleet(homes, around)))


@app.command()
def openapi(out: Out) -> None:
    """Write the API's OpenAPI document."""
    from anju_platform.app.http import document  # noqa: PLC0415

    out.write_text(document(), encoding="utf-8")


@accounts.command("list")
def list_accounts() -> None:
    """List the accounts with their roles and scopes."""
    with _work(_settings()) as (work, access):
        table = Table("login", "name", "role", "scope", "open")
        for row in access.list_accounts(work):
            scope = row.home_id or row.provider_id or row.community_id or row.scope_kind
            table.add_row(row.login, row.name, row.role, scope, "no" if row.disabled_at else "yes")
    console.print(table)


@accounts.command("add")
def add_account(
    login: str,
    name: Annotated[str, typer.Option(help="As it is announced to elders.")],
    role: Annotated[Role, typer.Option()],
    community: Annotated[str | None, typer.Option(help="A worker's or supervisor's community.")] = None,
    provider: Annotated[str | None, typer.Option(help="A carer's or dispatcher's provider.")] = None,
    home: Annotated[str | None, typer.Option(help="A relative's home.")] = None,
    scope: Annotated[
        ScopeKind | None, typer.Option(help="What it may see; a supervisor of all communities is `district`.")
    ] = None,
) -> None:
    """Open an account and print its random password, which is shown only once."""
    with _work(_settings()) as (work, access):
        password = access.generate_password()
        access.open_account(
            work,
            NewAccount(
                login=login,
                name=name,
                role=role,
                password=password,
                community_id=community,
                provider_id=provider,
                home_id=home,
                scope_kind=scope,
            ),
        )
        record_command(work, _os_user(), "account_add", f"{login} ({role.value})")
    console.print(f"{login}: {password}")


@accounts.command("reset")
def reset_account(login: str) -> None:
    """Give an account a new random password and end its sessions."""
    with _work(_settings()) as (work, access):
        password = access.generate_password()
        access.set_password(work, login, password)
        record_command(work, _os_user(), "account_reset", login)
    console.print(f"{login}: {password}")


@accounts.command("close")
def close_account(login: str) -> None:
    """Close an account; its entries in histories stay. The last person on call of a community cannot be closed."""
    with _work(_settings()) as (work, access):
        leaving = [row for row in access.list_accounts(work) if row.login == login.strip().casefold()]
        for row in leaving:
            OncallService().check_leaving(work, row.id)
        access.close_account(work, login)
        record_command(work, _os_user(), "account_close", login)


@communities.command("list")
def show_communities() -> None:
    """List every community with how often it lets the detectors be wrong, per home and month."""
    with _work(_settings()) as (work, _):
        table = Table("community", "name", "false alerts", "routine changes")
        for one in list_communities(work, WHOLE_DISTRICT):
            table.add_row(one.id, one.name, f"{one.false_alerts_per_month:g}", f"{one.routine_changes_per_month:g}")
    console.print(table)


@communities.command("sensitivity")
def choose_sensitivity(
    community: str,
    false_alerts: Annotated[float | None, typer.Option(help="False alerts of inactivity per home and month.")] = None,
    routine_changes: Annotated[
        float | None, typer.Option(help="Changes of routine reported although nothing changed.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who decided it; kept with the change, beside your user.")] = "",
) -> None:
    """Choose how often the detectors may be wrong: the fewer false alerts, the later the true ones."""
    with _work(_settings()) as (work, access):
        sensitivity = SensitivityService(ResidentService(access))
        now = sensitivity.find_target(work, community)
        wanted = FalseAlertTarget(
            false_alerts=now.false_alerts if false_alerts is None else false_alerts,
            routine_changes=now.routine_changes if routine_changes is None else routine_changes,
        )
        sensitivity.set_target(work, community, ChangedBy(_changed_by(by)), wanted, now)
        record_command(work, _os_user(), "sensitivity", community)
    console.print(
        f"{community}: {wanted.false_alerts:g} false alerts, {wanted.routine_changes:g} changes of routine "
        "per home and month"
    )


def _settings() -> Settings:
    try:
        return load()
    except InvalidSettings as error:
        for name, why in error.faults.items():
            typer.secho(f"{name}: {why}", fg="red", err=True)
        raise typer.Exit(2) from None


def _os_user() -> str:
    """Return the name of the operating system's user, whom nobody else can choose: not what the environment says."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container a user may have no name
        return f"uid {number}"


def _changed_by(decided_by: str) -> str:
    """Return who changed something, as the record keeps it: who decided it, if said, and whose shell it was."""
    typed = f"{_os_user()} (command line)"
    return typed if not decided_by else f"{decided_by[: 97 - len(typed)]} · {typed}"


def _url(settings: Settings) -> str:
    return settings.database_url.get_secret_value()


def _upgrade(settings: Settings) -> None:
    """Migrate as the owner of the tables, where another role than the owner serves."""
    try:
        if settings.database_owner_url is None:
            migrations.upgrade(_url(settings))
        else:
            owner = settings.database_owner_url.get_secret_value()
            migrations.upgrade(owner)
            grant_service(owner, _url(settings))
    except (migrations.DatabaseLocked, SameRole) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None


@contextmanager
def _work(settings: Settings) -> Iterator[tuple[UnitOfWork, AccountService]]:
    url = _url(settings)
    if migrations.current(url) != migrations.head():
        _upgrade(settings)
    engine = make_engine(url)
    try:
        with UnitOfWork(make_sessions(engine), EventDispatcher(), settings.parsed_clock()) as work:
            yield work, AccountService()
    except DomainError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None
    finally:
        engine.dispose()


def _endpoint(text: str) -> BrokerAddress:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter(f"{text!r} is not HOST:PORT")
    return BrokerAddress(host, int(port))


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
