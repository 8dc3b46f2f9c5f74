"""From the press of a button to the first person: how long until it is stored, and until somebody is told."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from anju_platform.app.fleet import MOST_HOMES
from anju_research.bench import traffic
from anju_research.bench.alarm_presses import PressClient
from anju_research.bench.alarm_receivers import Receivers
from anju_research.bench.alarm_stage import LOGINS, District, run_district
from anju_research.bench.results import Measurement, show_missed, table
from anju_research.bench.servers import BenchFailed, stop_process
from anju_wire.clock import Clock

GOAL_STORED_RATIO = 5.0
GOAL_TOLD_IDLE_S, GOAL_TOLD_S = 1.0, 2.0
GOAL_UNCHANGED = 1.5
"""Most by which another channel's median may grow beside two bad ones."""
GOAL_BURST_STORED_S, GOAL_BURST_TOLD_S = 1.0, 3.0
OVERLOAD = 3.0
PACK = 20
_WARM_PACKS, _MOST_PACKS = 2000, 60_000
_POLL_S = 0.1
_GOOD = LOGINS["duty_first"]


@dataclass
class PhaseTimes:
    """What one phase measured, s."""

    name: str
    servers: str = ""
    stored: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    """To who answers at once, and back."""
    broker_trips: list[float] = field(default_factory=list)
    """To the broker and back."""
    presses: int = 0
    copies: int = 0


def alarms(
    presses: Annotated[int, typer.Option(min=1, help="Presses in each phase.")] = 1000,
    rate: Annotated[float, typer.Option(min=0.1, help="Presses a second.")] = 10.0,
    burst: Annotated[int, typer.Option(min=1, max=MOST_HOMES, help="Presses at once in the last phase.")] = 300,
    patience: Annotated[float, typer.Option(help="Longest wait for what is still on its way, s.")] = 120.0,
    *,
    embedded: Annotated[bool, typer.Option("--embedded", help="amqtt and SQLite also beside real servers.")] = False,
) -> None:
    """From a press to its acknowledgement (stored) and to the first person's webhook (told).

    Four phases, each with a new district: idle; under three times the telemetry that ingest takes; with a channel that
    hangs and one that trickles beside it; many presses at once. Ratios are quantile by quantile to the round trip of
    the same phase: through the same broker at QoS 1 to a process that answers at once, and back. Beside it stands the
    way to the broker and back alone, which is half of it. Exits 1 where a goal is missed.
    """
    console, bench = Console(stderr=True), _Bench(presses, rate, patience, embedded=embedded)
    try:
        idle = bench.measure("idle")
        overload = bench.measure("3× telemetry", around=bench.overload)
        beside = bench.measure("bad channels beside", told=list(LOGINS))
        at_once = bench.measure("at once", burst=burst)
    except BenchFailed as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    figures = [
        *phase_figures(idle, GOAL_TOLD_IDLE_S),
        *phase_figures(overload, GOAL_TOLD_S),
        *phase_figures(beside, GOAL_TOLD_S),
        Measurement("bad channels beside: told p50 to idle", _ratio(beside.told, idle.told, 0.5), "×", GOAL_UNCHANGED),
        *burst_figures(at_once),
    ]
    Console().print(table(f"anju bench alarms, {idle.servers}; {presses} presses in a phase", figures))
    if show_missed(figures, console):
        raise typer.Exit(1)


def phase_figures(phase: PhaseTimes, goal_told_s: float) -> list[Measurement]:
    """Return the results of a phase of single presses; `goal_told_s` bounds the 99.9th percentile of being told."""
    name = phase.name
    shown = [
        Measurement(f"{name}: {what} p{100 * share:g}", 1e3 * _quantile(times, share), "ms")
        for what, times in (
            ("broker and back", phase.broker_trips),
            ("round trip", phase.round_trips),
            ("stored", phase.stored),
            ("told", phase.told),
        )
        for share in (0.5, 0.99, 0.999)
    ]
    shown[-1] = Measurement(shown[-1].name, shown[-1].measured, "ms", 1e3 * goal_told_s)
    ratios = [
        Measurement(f"{name}: stored to {what}, p{100 * share:g}", _ratio(phase.stored, trips, share), "×")
        for what, trips in (("broker and back", phase.broker_trips), ("round trip", phase.round_trips))
        for share in (0.5, 0.99)
    ]
    ratios[-1] = Measurement(ratios[-1].name, ratios[-1].measured, "×", GOAL_STORED_RATIO)
    return [
        *shown,
        *ratios,
        Measurement(f"{name}: not stored", phase.presses - len(phase.stored), "presses", 0),
        Measurement(f"{name}: not told", phase.presses - len(phase.told), "presses", 0),
        Measurement(f"{name}: copies", phase.copies, "messages", 0),
    ]


def burst_figures(phase: PhaseTimes) -> list[Measurement]:
    """Return the results of a phase in which all presses were made at once."""
    missing = phase.presses - min(len(phase.stored), len(phase.told))
    return [
        Measurement(
            f"{phase.presses} at once: all stored", max(phase.stored, default=np.inf), "s", GOAL_BURST_STORED_S
        ),
        Measurement(f"{phase.presses} at once: all told", max(phase.told, default=np.inf), "s", GOAL_BURST_TOLD_S),
        Measurement(f"{phase.presses} at once: not stored or not told", missing, "presses", 0),
        Measurement(f"{phase.presses} at once: copies", phase.copies, "messages", 0),
    ]


def _quantile(times: Sequence[float], share: float) -> float:
    return float(np.quantile(times, share)) if times else float("inf")


def _ratio(times: Sequence[float], yardstick: Sequence[float], share: float) -> float:
    return _quantile(times, share) / max(_quantile(yardstick, share), 1e-9)


@dataclass
class _Bench:
    presses: int
    rate: float
    patience_s: float
    embedded: bool = field(kw_only=True)

    def measure(
        self,
        name: str,
        told: Sequence[str] = ("duty_first",),
        burst: int | None = None,
        around: Callable[[District, float], Iterator[None]] | None = None,
    ) -> PhaseTimes:
        """Run one phase in a district of its own. Raises `BenchFailed`."""
        count = burst or self.presses
        phase = PhaseTimes(name, presses=count)
        with ExitStack() as stack:
            receivers = stack.enter_context(Receivers())
            behaviours = dict(zip(LOGINS.values(), ("good", "hangs", "trickles"), strict=True))
            addresses = {login: receivers.url(behaviour) for login, behaviour in behaviours.items()}
            homes = min(count, MOST_HOMES)
            district = stack.enter_context(run_district(homes, told, addresses, embedded=self.embedded))
            phase.servers = district.servers
            if around is not None:
                stack.enter_context(contextmanager(around)(district, count / self.rate))
            client = stack.enter_context(PressClient(district.broker_port))
            self._press_all(client, count, homes, None if burst else self.rate)
            self._wait(client, receivers, count)
            phase.stored, phase.round_trips = client.times.stored_s(), list(client.times.round_trips)
            phase.broker_trips = list(client.times.broker_trips)
            phase.told, phase.copies = pair_arrivals(district, client, receivers)
        return phase

    def overload(self, district: District, lasts_s: float) -> Iterator[None]:
        """Publish `OVERLOAD` times the telemetry that ingest takes, until the exit."""
        with tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
            made = traffic.messages(district.homes, _WARM_PACKS + _MOST_PACKS, PACK, Clock().time())
            first, rest = Path(folder) / "first", Path(folder) / "rest"
            traffic.save(first, islice(made, _WARM_PACKS))
            begun = time.monotonic()
            with _publishing(district, first):
                while district.count_telemetry() < _WARM_PACKS and time.monotonic() < begun + self.patience_s:
                    time.sleep(_POLL_S)
            capacity = _WARM_PACKS / (time.monotonic() - begun)
            wanted = min(int(OVERLOAD * capacity * (lasts_s + 5)), _MOST_PACKS)
            traffic.save(rest, islice(made, wanted))
            with _publishing(district, rest, OVERLOAD * capacity):
                yield

    @staticmethod
    def _press_all(client: PressClient, count: int, homes: int, rate: float | None) -> None:
        begun = time.monotonic()
        for number in range(count):
            if rate is not None:
                time.sleep(max(begun + number / rate - time.monotonic(), 0.0))
            client.press(number % homes + 1)

    def _wait(self, client: PressClient, receivers: Receivers, count: int) -> None:
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            if len(client.times.stored) >= count and receivers.count_arrived() >= count:
                time.sleep(1.0)  # a copy would come now
                return
            time.sleep(_POLL_S)


@contextmanager
def _publishing(district: District, file: Path, rate: float | None = None) -> Iterator[None]:
    words = ["publish", str(district.broker_port), str(file), *([] if rate is None else [f"{rate:.1f}"])]
    process = subprocess.Popen([sys.executable, "-m", "anju_research.bench.roles", *words])
    try:
        yield
    finally:
        stop_process(process)


def pair_arrivals(district: District, client: PressClient, receivers: Receivers) -> tuple[list[float], int]:
    """Return how long each press took to be told, s, and how many messages came more often than they were written."""
    written = district.read_messages(_GOOD)
    homes = {subject: home for home, subject in written}
    rows = Counter(subject for _, subject in written)
    sent: dict[str, list[float]] = defaultdict(list)
    for (home, _), at_s in sorted(client.times.sent.items()):
        sent[home].append(at_s)
    told, copies = [], 0
    for subject, arrived in receivers.arrivals.items():
        copies += max(len(arrived) - rows[subject], 0)
        pairs = zip(sent.get(homes.get(subject, ""), []), sorted(arrived), strict=False)
        told += [came - pressed for pressed, came in pairs]
    return told, copies
