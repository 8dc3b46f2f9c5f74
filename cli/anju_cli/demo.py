"""`anju demo`: a whole district on this machine, as one tree of processes that needs no installed services."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import FrameType

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from anju_cli.broker_users import write_for_broker
from anju_cli.demo_brokers import HOST, PLATFORM, DemoBrokers, find_mosquitto
from anju_cli.ports import free_ports, next_free_port
from anju_cli.processes import ChildFailed, ChildProcess, ProcessSupervisor, anju_argv, is_listening
from anju_platform.app.fleet import Surroundings, home_id, make_fleet
from anju_wire.clock import ENVIRONMENT, Clock
from anju_wire.fleet import BrokerAddress, Fleet, encode_fleet

_HOMES, _SCENARIO_HOMES = 20, 6
_ROLES = ("worker", "supervisor", "carer", "provider", "family", "district", "tester", "admin")


class BrokerKind(StrEnum):
    """The MQTT broker that the demo starts twice: for the district and for the homes' local bus."""

    AMQTT = "amqtt"
    MOSQUITTO = "mosquitto"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What the demo starts, and where."""

    homes: int
    port: int
    data: Path
    broker: BrokerKind
    database: str
    series: str
    speed: float
    seed: int
    history_days: float
    scenario: str | None
    recordings: Path | None

    @property
    def fleet(self) -> Path:
        """Path of the fleet file."""
        return self.data / "fleet.json"

    @property
    def secrets(self) -> Path:
        """Path of the folder with the brokers' users."""
        return self.data / "secrets"

    @property
    def logins(self) -> Path:
        """Path of the file with logins and passwords."""
        return self.data / "logins.json"


def command(
    *,
    homes: int | None = typer.Option(
        None, min=1, max=100, help="Simulated homes; 20, or 6 for a scenario with --exit."
    ),
    port: int = typer.Option(8780, min=1, max=65535, help="Where the pages are; the next free port if it is taken."),
    speed: float = typer.Option(1.0, min=0.1, max=3600, help="How many times faster than life."),
    scenario: str | None = typer.Option(None, help="Run a scenario (a shipped one's name, or a YAML file)."),
    leave: bool = typer.Option(False, "--exit", help="Stop after the scenario, with its verdict as exit code."),
    recordings: Path | None = typer.Option(
        None, exists=True, file_okay=False, help="Take the scenario's fall and silence from real recordings."
    ),
    broker: BrokerKind = typer.Option(BrokerKind.AMQTT, help="MQTT broker to start."),
    database: str = typer.Option("", help="Records: sqlite:///… or postgresql+psycopg://…; SQLite by default."),
    series: str = typer.Option("", help="Series: duckdb:///… or influx+http://…; DuckDB by default."),
    data: Path | None = typer.Option(None, file_okay=False, help="Keep everything here; else a folder that goes."),
    seed: int = typer.Option(1, help="The same seed gives the same residents."),
    history_days: float = typer.Option(7.0, min=0, max=28, help="Days of history that each home sends first."),
    json_file: Path | None = typer.Option(None, "--json", help="Write the scenario's verdict here too."),
) -> None:
    """Start a whole district: brokers, platform, gateways and simulated homes. Ctrl-C stops it."""
    console = Console()
    if leave and not scenario:
        raise typer.BadParameter("--exit needs a --scenario to exit after")
    if broker is BrokerKind.MOSQUITTO and find_mosquitto() is None:
        raise typer.BadParameter("mosquitto is not installed (Debian: apt install mosquitto)", param_hint="--broker")
    with _data_folder(data) as folder:
        plan = DemoPlan(
            homes=homes or (_SCENARIO_HOMES if leave else _HOMES),
            port=next_free_port(port),
            data=folder,
            broker=broker,
            database=database or f"sqlite:///{folder}/records.sqlite3",
            series=series or f"duckdb:///{folder}/series.duckdb",
            speed=speed,
            seed=seed,
            history_days=0.0 if leave else history_days,
            scenario=scenario,
            recordings=recordings.resolve() if recordings else None,
        )
        try:
            code = _run_demo(plan, console, leave=leave, json_file=json_file)
        except ChildFailed as failure:
            console.print(f"[red]{escape(str(failure))}[/red]", highlight=False)
            code = 1
    raise typer.Exit(code)


def _run_demo(plan: DemoPlan, console: Console, *, leave: bool, json_file: Path | None) -> int:
    stopping = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopping.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    began = time.monotonic()
    with ProcessSupervisor(
        plan.data / "logs", plan.data / "demo.json", lambda text: console.print(f"[yellow]{text}[/]")
    ) as tree:
        district = DemoDistrict(plan, tree)
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bar:
            district.start_processes(lambda text: bar.add_task(text, total=1), stopping)
        if stopping.is_set():
            return 130
        _print_welcome(console, plan, time.monotonic() - began)
        code = _run_scenario(district, json_file, stopping) if plan.scenario else 0
        if not leave:
            console.print("Ctrl-C stops everything.")
            stopping.wait()
        console.print("stopping …")
    return 130 if leave and stopping.is_set() else code


class DemoDistrict:
    """The processes of one district."""

    def __init__(self, plan: DemoPlan, tree: ProcessSupervisor) -> None:
        self._plan, self._tree = plan, tree
        ports = free_ports(3 + plan.homes)
        self.broker_port, self.platform_port, self.bus_port, *self._link_ports = ports
        homes = [home_id(number + 1) for number in range(plan.homes)]
        self._brokers = DemoBrokers(plan.secrets, homes, self.broker_port, self.platform_port, self.bus_port)
        self._brokers.make_users()
        clock = Clock.parse(os.environ.get(ENVIRONMENT, ""))
        if plan.speed != 1.0:
            now = clock.time()
            clock = Clock(Clock().time(), now, plan.speed)
        self.env = {
            ENVIRONMENT: "" if clock == Clock() else str(clock),
            "ANJU_DATABASE_URL": plan.database,
            "ANJU_SERIES_URL": plan.series,
            "ANJU_MQTTHOST": HOST,
            "ANJU_MQTT_PORT": str(self.platform_port),
            "ANJU_MQTT_USERNAME": PLATFORM,
            "ANJU_MQTT_PASSWORD": self._brokers.password(PLATFORM),
            "ANJU_HTTPHOST": HOST,
            "ANJU_HTTP_PORT": str(plan.port),
            "ANJU_SIM_CONTROL": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def start_processes(self, report_step: Callable[[str], object], stopping: threading.Event) -> None:
        """Start everything in order and return when the pages answer; raises `ChildFailed`."""
        stages: tuple[tuple[str, Callable[[], None]], ...] = (
            ("brokers", self._start_brokers),
            ("homes and people", self._write_fleet),
            ("simulator", self._simulator),
            ("gateways", self._gateways),
            ("platform", self._platform),
        )
        for text, do in stages:
            if stopping.is_set():
                return
            report_step(text)
            do()
        for name in ("bus", "broker", "simulator", "gateway", "platform"):
            self._tree.wait_ready(name)
        plan = self._plan
        self._tree.add_facts(
            http=f"http://{HOST}:{plan.port}",
            broker=self.broker_port,
            bus=self.bus_port,
            logins=str(plan.logins),
            secrets=str(plan.secrets),
        )

    def scenario_argv(self, json_file: Path | None) -> list[str]:
        """Return the command line that runs the plan's scenario."""
        plan = self._plan
        argv = anju_argv(
            "sim", "run", str(plan.scenario), "--fleet", str(plan.fleet), "--broker", f"{HOST}:{self.broker_port}"
        )
        argv += ["--platform", f"http://{HOST}:{plan.port}", "--logins", str(plan.logins), "--seed", str(plan.seed)]
        argv += ["--recordings", str(plan.recordings)] if plan.recordings else []
        return argv + (["--json", str(json_file)] if json_file else [])

    def _start_brokers(self) -> None:
        for name, ports in (("broker", (self.broker_port, self.platform_port)), ("bus", (self.bus_port,))):
            embedded = self._plan.broker is BrokerKind.AMQTT
            brokers = self._brokers
            argv = brokers.embedded_argv(name) if embedded else brokers.mosquitto_argv(name, self._plan.data / name)
            self._start(name, argv, partial(_are_listening, ports))

    def _write_fleet(self) -> None:
        """Seed the database in the background; write the fleet file, each home with a network link of its own."""
        plan, spool = self._plan, self._plan.data / "spool"
        argv = anju_argv("platform", "seed", "--homes", str(plan.homes), "--print-logins", str(plan.logins))
        self._seeded = self._tree.run_once("seed", argv, self.env)
        spool.mkdir(exist_ok=True)
        around = Surroundings(
            uplink=BrokerAddress(HOST, 0),
            bus=BrokerAddress(HOST, self.bus_port),
            spool=spool,
            passwords={home: self._brokers.password(home) for home in self._brokers.homes},
            bus_passwords={home: self._brokers.password(f"{home}.bus") for home in self._brokers.homes},
        )
        homes = zip(make_fleet(plan.homes, around).homes, self._link_ports, strict=True)
        fleet = Fleet([replace(home, uplink=replace(home.uplink, port=port)) for home, port in homes])
        write_for_broker(plan.fleet, encode_fleet(fleet), mode=0o600)

    def _simulator(self) -> None:
        plan = self._plan
        argv = anju_argv("sim", "live", "--fleet", str(plan.fleet), "--broker", f"{HOST}:{self.broker_port}")
        argv += ["--seed", str(plan.seed), "--history-days", str(plan.history_days)]
        argv += ["--quiet-for", plan.scenario] if plan.scenario else []
        self._start("simulator", argv, lambda: is_listening(HOST, self._link_ports[0]))

    def _gateways(self) -> None:
        ready = self._plan.data / "logs" / "gateway.log"
        argv = anju_argv("gateway", "run", "--fleet", str(self._plan.fleet))
        self._start("gateway", argv, lambda: ready.exists() and "gateway ready" in ready.read_text(errors="replace"))

    def _platform(self) -> None:
        self._seeded()
        url = f"http://{HOST}:{self._plan.port}/api/v1/health"
        self._start("platform", anju_argv("platform", "serve"), lambda: _is_healthy(url))

    def _start(self, name: str, argv: list[str], ready: Callable[[], bool]) -> None:
        self._tree.start_child(ChildProcess(name, argv, ready, self.env))


def _are_listening(ports: tuple[int, ...]) -> bool:
    return all(is_listening(HOST, port) for port in ports)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's word for well
    except OSError:
        return False


def _run_scenario(district: DemoDistrict, json_file: Path | None, stopping: threading.Event) -> int:
    process = subprocess.Popen(
        district.scenario_argv(json_file), env={**os.environ, **district.env}, start_new_session=True
    )
    while process.poll() is None and not stopping.wait(0.1):
        continue
    if process.poll() is None:
        process.terminate()
    return process.wait()


def _print_welcome(console: Console, plan: DemoPlan, seconds: float) -> None:
    console.print(f"\n[bold]Anju 安居[/bold] is open after {seconds:.1f} s: [link]http://{HOST}:{plan.port}[/link]\n")
    table = Table("Role", "Login", "Password", "Name")
    shown: set[str] = set()
    accounts = json.loads(plan.logins.read_text())
    for account in sorted(accounts, key=lambda row: _ROLES.index(row["role"])):
        if account["role"] not in shown:
            shown.add(account["role"])
            table.add_row(account["role"], account["login"], account["password"], account["name"])
    console.print(table)
    console.print(f"{plan.homes} homes; data and logs in {plan.data}")


@contextmanager
def _data_folder(wanted: Path | None) -> Iterator[Path]:
    """Yield the wanted folder, or a temporary one that is deleted afterwards."""
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="anju-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
