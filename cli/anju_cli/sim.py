"""`anju sim`: simulated homes, replay of recordings, and scenarios with a verdict."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from anju_sim.bus import BusRefused, BusUnreachable, Credential, MqttBus
from anju_sim.evaluator import Verdict
from anju_sim.network import SimulatedNetwork
from anju_sim.recordings import RecordingBroken, RecordingsMissing, find_recording, read_log
from anju_sim.replay import NothingToReplay, ReplayPacer, replay_log, replay_wearable
from anju_sim.scenario import HomeNotBound, Scenario, StaffRole, bind_homes, load_scenario, shipped_scenarios
from anju_sim.scenario_run import RunContext, ScenarioRun
from anju_sim.scenario_yaml import ScenarioInvalid
from anju_sim.silence_history import NoCutFound
from anju_sim.simulator import Simulator
from anju_sim.staff import (
    CallRefused,
    LoginsUnreadable,
    SeededLogin,
    StaffClient,
    StaffScript,
    read_logins,
    sign_in_staff,
)
from anju_sim.wearable import Samples
from anju_wire.clock import ENVIRONMENT, Clock
from anju_wire.fleet import BrokerAddress, Fleet, FleetHome, FleetUnreadable, HomeUnknown, load_fleet
from anju_wire.recorded_times import HOME_ZONE, UnknownZone, find_zone

app = typer.Typer(no_args_is_help=True, help="Simulated homes, replayed recordings, scenarios with a verdict.")

_FAULTS = (
    BusRefused,
    BusUnreachable,
    CallRefused,
    FleetUnreadable,
    UnknownZone,
    HomeUnknown,
    LoginsUnreadable,
    NoCutFound,
    NothingToReplay,
    HomeNotBound,
    RecordingBroken,
    RecordingsMissing,
    ScenarioInvalid,
    ValueError,
)
_FLEET = typer.Option(..., "--fleet", exists=True, dir_okay=False, help="Fleet file, as `anju platform fleet` writes.")
_BROKER = typer.Option(..., "--broker", metavar="HOST:PORT", help="The district's broker.")
_SECRETS = typer.Option(
    None, "--secrets", file_okay=False, help="Folder with <user>.password; by default `secrets` beside the fleet file."
)


@app.command()
def live(
    *,
    fleet: Path = _FLEET,
    broker: str | None = typer.Option(
        None,
        metavar="HOST:PORT",
        help="The district's broker, for the tester's commands; without it no link is simulated.",
    ),
    secrets: Path | None = _SECRETS,
    seed: int = typer.Option(1, help="The same seed gives the same residents."),
    history_days: float = typer.Option(7.0, min=0, help="Days of history to send first, as a data logger does."),
    quiet_for: list[str] = typer.Option([], help="Scenario whose silent homes publish nothing by themselves."),
    wait_s: float = typer.Option(20.0, help="How long to wait for the homes' gateways before the history is sent."),
) -> None:
    """Run the homes of a fleet on the clock of ANJU_CLOCK, and carry out the tester's commands."""
    try:
        homes, users = load_fleet(fleet), secrets or fleet.parent / "secrets"
        quiet = frozenset(home for name in quiet_for for home in _quiet_homes(load_scenario(name), homes))
        near = homes.homes[0].bus
        with ExitStack() as stack:
            district, network = None, SimulatedNetwork({}, near)
            if broker:
                district, network = _district_link(stack, homes, broker, users)
            bus = stack.enter_context(
                MqttBus(near.host, near.port, "anju-sim", Credential.from_folder(users, "devices"))
            )
            simulator = Simulator(homes, seed, _clock(), bus=bus, district=district, network=network, quiet=quiet)
            _stop_on_signal(simulator)
            _run_simulator(simulator, homes, history_days, wait_s)
    except _FAULTS as fault:
        _give_up(fault)


@app.command()
def replay(
    recording: str = typer.Argument(help="An event log (.csv.gz), or the id of a wearable's recording."),
    home: str = typer.Option(..., help="The home that replays it."),
    fleet: Path = _FLEET,
    secrets: Path | None = _SECRETS,
    speed: float = typer.Option(1.0, help="How many times faster than it was recorded (event logs)."),
    recordings: Path | None = typer.Option(None, help="Folder that holds fall/index.csv, for a wearable's recording."),
    time_zone: str = typer.Option(HOME_ZONE, help="Of the recorded home: counts where times bear an offset."),
) -> None:
    """Publish a recording as live messages on a home's bus."""
    try:
        target = load_fleet(fleet).find_home(home)
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        user = Credential.from_folder(secrets or fleet.parent / "secrets", "replay")
        with MqttBus(target.bus.host, target.bus.port, f"anju-replay-{os.getpid()}", user) as bus:
            done = (
                replay_log(
                    target,
                    read_log(Path(recording), find_zone(time_zone)),
                    bus.publish,
                    ReplayPacer(_clock(), speed, stop),
                )
                if recording.endswith((".csv", ".csv.gz"))
                else replay_wearable(target, _samples(recording, recordings), bus.publish, _clock(), stop)
            )
        typer.echo(f"sent {done.sent}")
        for sensor, count in sorted(done.unmapped.items()):
            typer.echo(f"left out {count} events of {sensor}: {home} has no such device", err=True)
    except _FAULTS as fault:
        _give_up(fault)


@app.command()
def run(
    scenario: str = typer.Argument(help="A shipped scenario's name, or a YAML file."),
    *,
    fleet: Path = _FLEET,
    broker: str = _BROKER,
    secrets: Path | None = _SECRETS,
    platform: str = typer.Option("http://127.0.0.1:8780", help="Where the platform answers."),
    logins: Path = typer.Option(..., exists=True, dir_okay=False, help="Logins that `anju platform seed` printed."),
    seed: int = typer.Option(1, help="Seed of the simulated residents."),
    recordings: Path | None = typer.Option(None, help="Take the fall and the silence from recordings of this folder."),
    json_file: Path | None = typer.Option(None, "--json", help="Write the verdict here too."),
) -> None:
    """Run a scenario against a live district; exit 0 if every expectation was met, else 1."""
    console = Console()
    try:
        loaded, homes, far = load_scenario(scenario), load_fleet(fleet), parse_endpoint(broker)
        bindings = bind_homes(loaded, homes)
        near = homes.homes[0].bus
        name = f"anju-scenario-{os.getpid()}"
        user = Credential.from_folder(secrets or fleet.parent / "secrets", "scenario")
        with MqttBus(near.host, near.port, name, user) as bus, MqttBus(far.host, far.port, name, user) as district:
            staff = _sign_in(platform, logins, bindings)
            context = RunContext(
                bindings=bindings,
                bus=bus,
                district=district,
                worker=staff.workers[0],
                tester=staff.tester,
                make_staff=lambda code_of: StaffScript(staff.workers[0], staff.carers, loaded.staff, code_of),
                families=staff.families,
                staff_names=frozenset(one.login.name for one in (*staff.workers, *staff.carers)),
                clock=_clock(),
                seed=seed,
                recordings=recordings.resolve() if recordings else None,
            )
            verdict = ScenarioRun(loaded, context, lambda text: console.print(f"[dim]{text}[/dim]")).run()
    except _FAULTS as fault:
        _give_up(fault)
    if json_file:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(verdict)))
    _print_verdict(console, loaded, verdict)
    raise typer.Exit(0 if verdict.ok else 1)


@app.command()
def scenarios() -> None:
    """List the scenarios that come with Anju."""
    table = Table("Name", "What happens")
    for name in shipped_scenarios():
        table.add_row(name, load_scenario(name).title)
    Console().print(table)


def parse_endpoint(text: str) -> BrokerAddress:
    """Read `host:port`; raises `ValueError`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} is not HOST:PORT")
    return BrokerAddress(host, int(port))


def _district_link(stack: ExitStack, fleet: Fleet, broker: str, users: Path) -> tuple[MqttBus, SimulatedNetwork]:
    """Open the link to the district's broker and a simulated line for each home; `stack` closes them."""
    far = parse_endpoint(broker)
    user = Credential.from_folder(users, "simulator")
    district = stack.enter_context(MqttBus(far.host, far.port, "anju-sim-control", user))
    network = SimulatedNetwork({home.home: home.uplink for home in fleet.homes}, far)
    return district, stack.enter_context(network)


def _clock() -> Clock:
    return Clock.parse(os.environ.get(ENVIRONMENT, ""))


def _quiet_homes(scenario: Scenario, fleet: Fleet) -> list[str]:
    bindings = bind_homes(scenario, fleet)
    return [bindings[name].home for name in scenario.silent_homes()]


def _stop_on_signal(simulator: Simulator) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        simulator.stopping = True

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)


def _run_simulator(simulator: Simulator, fleet: Fleet, days: float, wait_s: float) -> None:
    simulator.subscribe_commands()
    typer.echo(f"simulator ready: {len(fleet.homes)} homes")
    online = simulator.await_gateways(wait_s)
    typer.echo(f"gateways online: {online} of {len(fleet.homes)}")
    if days:
        typer.echo(f"history: {simulator.send_history(days)} batches")
    simulator.start_homes()
    simulator.run()


def _samples(recording: str, folder: Path | None) -> Samples:
    if folder is None:
        raise ValueError(f"{recording!r} is no .csv.gz; for a wearable's recording say where: --recordings DIR")
    return find_recording(folder, recording).load_samples()


@dataclass(frozen=True, slots=True)
class _Staff:
    workers: list[StaffClient]
    carers: list[StaffClient]
    tester: StaffClient
    families: dict[str, StaffClient]


def _sign_in(base_url: str, logins: Path, bindings: dict[str, FleetHome]) -> _Staff:
    accounts, community = read_logins(logins), next(iter(bindings.values())).community
    workers = sign_in_staff(base_url, accounts, StaffRole.WORKER, community)
    carers = sign_in_staff(base_url, accounts, StaffRole.CARER, community)
    testers = [StaffClient(base_url, account) for account in accounts if account.role == "tester"]
    if not workers or not testers:
        raise LoginsUnreadable(logins, f"no worker of community {community!r}, or no tester, in it")
    testers[0].sign_in()
    return _Staff(workers, carers, testers[0], _sign_in_families(base_url, accounts, bindings))


def _sign_in_families(
    base_url: str, accounts: list[SeededLogin], bindings: dict[str, FleetHome]
) -> dict[str, StaffClient]:
    """Return a relative's account for each bound home that has one."""
    families, bound = dict[str, StaffClient](), {home.home for home in bindings.values()}
    for client in [StaffClient(base_url, account) for account in accounts if account.role == "family"]:
        client.sign_in()
        home = str(client.call_api("GET", "/family")["home_id"])
        if home in bound:
            families[home] = client
    return families


def _print_verdict(console: Console, scenario: Scenario, verdict: Verdict) -> None:
    """Print the times of each event, then every expectation."""
    stages = ("stored", "shown", "acknowledged", "visited", "closed")
    times = Table("Event", *(f"→ {stage}" for stage in stages), "announced", title=scenario.title, title_justify="left")
    for event, took in verdict.times.items():
        announced = ", ".join(
            f"{key.removeprefix('announced_')} {value:.2f} s" for key, value in took.items() if "announced_" in key
        )
        times.add_row(event, *(f"{took[stage]:.2f} s" if stage in took else "-" for stage in stages), announced)
    console.print(times)
    checks = Table("Event", "Expected", "Took", "Allowed", "")
    for finding in verdict.findings:
        took_s = "-" if finding.took_s is None else f"{finding.took_s:.2f} s"
        limit = "-" if finding.limit_s is None else f"{finding.limit_s:g} s"
        mark = "[green]✓[/green]" if finding.ok else "[red]✗[/red]"
        checks.add_row(finding.event, finding.what, took_s, limit, f"{mark} {finding.note}")
    console.print(checks)
    failed = sum(not finding.ok for finding in verdict.findings)
    console.print(
        f"[bold]{scenario.name}: {'passed' if verdict.ok else f'FAILED, {failed} of {len(verdict.findings)}'}[/]"
    )


def _give_up(fault: Exception) -> NoReturn:
    typer.echo(str(fault), err=True)
    raise typer.Exit(2)
