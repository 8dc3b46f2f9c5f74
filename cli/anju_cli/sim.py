"""`anju sim`: simulated homes, replayed recordings, stories with a verdict."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from anju_sim.bus import Bus, BusUnreachable
from anju_sim.fleet import Endpoint, Fleet, FleetHome, FleetUnreadable, HomeUnknown, load_fleet
from anju_sim.household import find_recording
from anju_sim.judge import Play, Setting
from anju_sim.live import Simulator
from anju_sim.network import Network
from anju_sim.people import CallRefused, LoginsUnreadable, People, Person, read_logins, staff
from anju_sim.recordings import RecordingBroken, RecordingsMissing, read_log
from anju_sim.replay import NothingToReplay, Pace, replay_log, replay_wearable
from anju_sim.silence import NoCutFound
from anju_sim.story import PartNotCast, Story, StoryInvalid, Who, cast, load_story, shipped
from anju_sim.timeline import Verdict
from anju_sim.wearable import Samples
from anju_wire.clock import ENVIRONMENT, Clock

app = typer.Typer(no_args_is_help=True, help="Simulated homes, replayed recordings, stories with a verdict.")

_FAULTS = (
    BusUnreachable,
    CallRefused,
    FleetUnreadable,
    HomeUnknown,
    LoginsUnreadable,
    NoCutFound,
    NothingToReplay,
    PartNotCast,
    RecordingBroken,
    RecordingsMissing,
    StoryInvalid,
    ValueError,
)
_FLEET = typer.Option(..., "--fleet", exists=True, dir_okay=False, help="Fleet file, as `anju platform fleet` writes.")
_BROKER = typer.Option(..., "--broker", metavar="HOST:PORT", help="The district's broker.")


@app.command()
def live(
    *,
    fleet: Path = _FLEET,
    broker: str = _BROKER,
    seed: int = typer.Option(1, help="The same seed gives the same lives."),
    history_days: float = typer.Option(7.0, min=0, help="Days of past to send first, as a data logger does."),
    quiet_for: list[str] = typer.Option([], help="Story whose silent homes get no life of their own."),
    wait_s: float = typer.Option(20.0, help="How long to wait for the homes' gateways before the past is sent."),
) -> None:
    """Let every home of a fleet live, on the clock of ANJU_CLOCK, and obey the tester's orders."""
    try:
        homes, far = load_fleet(fleet), endpoint(broker)
        quiet = frozenset(home for name in quiet_for for home in _quiet_homes(load_story(name), homes))
        lines = {home.home: home.uplink for home in homes.homes}
        with (
            Bus(homes.homes[0].bus.host, homes.homes[0].bus.port, "anju-sim") as bus,
            Bus(far.host, far.port, "anju-sim-control") as district,
            Network(lines, far) as network,
        ):
            simulator = Simulator(homes, seed, _clock(), bus=bus, district=district, network=network, quiet=quiet)
            _on_stop(simulator)
            _live(simulator, homes, history_days, wait_s)
    except _FAULTS as fault:
        _give_up(fault)


@app.command()
def replay(
    recording: str = typer.Argument(help="An event log (.csv.gz), or the id of a wearable's recording."),
    home: str = typer.Option(..., help="The home that plays it."),
    fleet: Path = _FLEET,
    speed: float = typer.Option(1.0, help="How many times faster than it was recorded (event logs)."),
    recordings: Path | None = typer.Option(None, help="Folder that holds fall/index.csv, for a wearable's recording."),
) -> None:
    """Feed a recording through a home's gateway as live messages."""
    try:
        target = load_fleet(fleet).home(home)
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        with Bus(target.bus.host, target.bus.port, f"anju-replay-{os.getpid()}") as bus:
            done = (
                replay_log(target, read_log(Path(recording)), bus.publish, Pace(_clock(), speed, stop))
                if recording.endswith((".csv", ".csv.gz"))
                else replay_wearable(target, _samples(recording, recordings), bus.publish, _clock(), stop)
            )
        typer.echo(f"sent {done.sent}")
        for sensor, count in sorted(done.untold.items()):
            typer.echo(f"left out {count} events of {sensor}: {home} has no such device", err=True)
    except _FAULTS as fault:
        _give_up(fault)


@app.command()
def run(
    story: str = typer.Argument(help="A shipped story's name, or a YAML file."),
    *,
    fleet: Path = _FLEET,
    broker: str = _BROKER,
    platform: str = typer.Option("http://127.0.0.1:8780", help="Where the platform answers."),
    logins: Path = typer.Option(..., exists=True, dir_okay=False, help="Logins that `anju platform seed` printed."),
    seed: int = typer.Option(1, help="Seed of what is simulated in it."),
    recordings: Path | None = typer.Option(None, help="Take the fall and the silence from recordings of this folder."),
    json_file: Path | None = typer.Option(None, "--json", help="Write the verdict here too."),
) -> None:
    """Play a story against a running district; exit 0 if all that must follow did, else 1."""
    console = Console()
    try:
        tale, homes, far = load_story(story), load_fleet(fleet), endpoint(broker)
        parts = cast(tale, homes)
        near = homes.homes[0].bus
        name = f"anju-judge-{os.getpid()}"
        with Bus(near.host, near.port, name) as bus, Bus(far.host, far.port, name) as district:
            people = _staff(platform, logins, parts)
            setting = Setting(
                cast=parts,
                bus=bus,
                district=district,
                worker=people.workers[0],
                tester=people.tester,
                people=lambda code_of: People(people.workers[0], people.carers, tale.people, code_of),
                clock=_clock(),
                seed=seed,
                recordings=recordings.resolve() if recordings else None,
            )
            verdict = Play(tale, setting, lambda text: console.print(f"[dim]{text}[/dim]")).run()
    except _FAULTS as fault:
        _give_up(fault)
    if json_file:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(verdict)))
    _print(console, tale, verdict)
    raise typer.Exit(0 if verdict.ok else 1)


@app.command()
def stories() -> None:
    """List the stories that come with Anju."""
    table = Table("Name", "What happens")
    for name in shipped():
        table.add_row(name, load_story(name).title)
    Console().print(table)


def endpoint(text: str) -> Endpoint:
    """Read `host:port`; raises `ValueError`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} is not HOST:PORT")
    return Endpoint(host, int(port))


def _clock() -> Clock:
    return Clock.parse(os.environ.get(ENVIRONMENT, ""))


def _quiet_homes(story: Story, fleet: Fleet) -> list[str]:
    parts = cast(story, fleet)
    return [parts[part].home for part in story.quiet_parts()]


def _on_stop(simulator: Simulator) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        simulator.stopping = True

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)


def _live(simulator: Simulator, fleet: Fleet, days: float, wait_s: float) -> None:
    simulator.listen()
    typer.echo(f"simulator ready: {len(fleet.homes)} homes")
    online = simulator.await_gateways(wait_s)
    typer.echo(f"gateways online: {online} of {len(fleet.homes)}")
    if days:
        typer.echo(f"history: {simulator.send_history(days)} batches")
    simulator.begin()
    simulator.run()


def _samples(recording: str, folder: Path | None) -> Samples:
    if folder is None:
        raise ValueError(f"{recording!r} is no .csv.gz; for a wearable's recording say where: --recordings DIR")
    return find_recording(str(folder), recording).samples()


@dataclass(frozen=True, slots=True)
class _Staff:
    workers: list[Person]
    carers: list[Person]
    tester: Person


def _staff(base_url: str, logins: Path, parts: dict[str, FleetHome]) -> _Staff:
    accounts, community = read_logins(logins), next(iter(parts.values())).community
    workers, carers = staff(base_url, accounts, Who.WORKER, community), staff(base_url, accounts, Who.CARER, community)
    testers = [Person(base_url, account) for account in accounts if account.role == "tester"]
    if not workers or not testers:
        raise LoginsUnreadable(logins, f"no worker of community {community!r}, or no tester, in it")
    testers[0].sign_in()
    return _Staff(workers, carers, testers[0])


def _print(console: Console, story: Story, verdict: Verdict) -> None:
    """The times of each event, then what did not follow as it must."""
    stages = ("stored", "shown", "taken", "visited", "closed")
    times = Table("Event", *(f"→ {stage}" for stage in stages), "elder told", title=story.title, title_justify="left")
    for event, took in verdict.times.items():
        told = ", ".join(f"{key.removeprefix('told_')} {value:.2f} s" for key, value in took.items() if "told_" in key)
        times.add_row(event, *(f"{took[stage]:.2f} s" if stage in took else "-" for stage in stages), told)
    console.print(times)
    checks = Table("Event", "Must follow", "Took", "Allowed", "")
    for finding in verdict.findings:
        took_s = "-" if finding.took_s is None else f"{finding.took_s:.2f} s"
        limit = "-" if finding.limit_s is None else f"{finding.limit_s:g} s"
        mark = "[green]✓[/green]" if finding.ok else "[red]✗[/red]"
        checks.add_row(finding.event, finding.what, took_s, limit, f"{mark} {finding.note}")
    console.print(checks)
    failed = sum(not finding.ok for finding in verdict.findings)
    console.print(
        f"[bold]{story.name}: {'passed' if verdict.ok else f'FAILED, {failed} of {len(verdict.findings)}'}[/]"
    )


def _give_up(fault: Exception) -> NoReturn:
    typer.echo(str(fault), err=True)
    raise typer.Exit(2)
