"""How much longer the press of a quiet home takes while other homes flood the platform."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from anju_platform.app.fleet import COMMUNITY, MOST_HOMES, gateway_id, home_id
from anju_research.bench import traffic
from anju_research.bench.alarm_presses import PressClient
from anju_research.bench.alarm_receivers import Receivers
from anju_research.bench.alarm_stage import LOGINS, run_district
from anju_research.bench.results import Measurement, show_missed, table
from anju_research.bench.servers import BenchFailed, stop_process
from anju_wire.clock import Clock
from anju_wire.messages import Envelope, Record, encode
from anju_wire.profiles import Quantity
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

GOAL_RATIO = 2.0
_SETTLED_S = 3.0
"""The flood runs so long before the first press is measured."""
_POLL_S = 0.1


def isolation(
    floods: Annotated[int, typer.Option(min=1, help="Homes that flood.")] = 50,
    presses: Annotated[int, typer.Option(min=1, max=MOST_HOMES // 2, help="Presses of quiet homes, a phase.")] = 400,
    rate: Annotated[float, typer.Option(min=0.1, help="Presses of quiet homes a second.")] = 10.0,
    flood_rate: Annotated[float, typer.Option(min=1, help="Messages of all floods a second.")] = 2000.0,
    patience: Annotated[float, typer.Option(help="Longest wait for what is still on its way, s.")] = 120.0,
    *,
    embedded: Annotated[bool, typer.Option("--embedded", help="amqtt and SQLite also beside real servers.")] = False,
) -> None:
    """From a quiet home's press to its acknowledgement, idle and beside homes that send without end.

    The floods are presses, messages that nobody can read, and epochs and gateways that are invented, as fast as told.
    Each quiet home presses once. Exits 1 when the 99th percentile grows to more than twice that of the idle phase of
    the same run, or when a press is not stored.
    """
    console = Console(stderr=True)
    try:
        figures, servers = _measure(floods, presses, rate, flood_rate, patience, embedded=embedded)
    except BenchFailed as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    title = f"anju bench isolation, {servers}; {floods} floods beside {MOST_HOMES - floods} homes"
    Console().print(table(title, figures))
    if show_missed(figures, console):
        raise typer.Exit(1)


def isolation_figures(idle: Sequence[float], beside: Sequence[float], presses: int) -> list[Measurement]:
    """Return the results: how long presses took idle and beside the floods, s, and their ratio."""
    shown = [
        Measurement(f"{name}: stored p{100 * share:g}", 1e3 * _quantile(times, share), "ms")
        for name, times in (("idle", idle), ("beside floods", beside))
        for share in (0.5, 0.99)
    ]
    ratio = _quantile(beside, 0.99) / max(_quantile(idle, 0.99), 1e-9)
    missing = 2 * presses - len(idle) - len(beside)
    return [
        *shown,
        Measurement("beside floods: p99 to idle p99", ratio, "×", GOAL_RATIO),
        Measurement("not stored", missing, "presses", 0),
    ]


def flood_messages(homes: int, count: int, now_s: float) -> Iterator[tuple[str, bytes]]:
    """Yield topic and payload of what hostile homes send in turn: in each round another kind of message."""
    for index in range(count):
        number, seq = index % homes + 1, index // homes + 1
        home = home_id(number)
        press = [Record(n=f"button-sos/{Quantity.SOS}", vb=True, t=now_s)]
        lane, gateway, epoch = Lane.ALARM, gateway_id(home), 1
        if seq % 4 == 1:
            epoch = seq
        elif seq % 4 == 2:  # noqa: PLR2004 - the third kind of four
            lane, gateway = Lane.TELEMETRY, f"invented-{seq}"
        payload = encode(Envelope(gateway=gateway, epoch=epoch, seq=seq, base=1, sent=now_s, pack=press))
        if seq % 4 == 3:  # noqa: PLR2004 - the fourth
            lane, payload = Lane.TELEMETRY, payload[: len(payload) // 2] + b"%d" % seq
        yield str(Topic(COMMUNITY, home, lane)), payload


def _measure(
    floods: int, presses: int, rate: float, flood_rate: float, patience_s: float, *, embedded: bool
) -> tuple[list[Measurement], str]:
    quiet = range(floods + 1, MOST_HOMES + 1)
    halves = quiet[:presses], quiet[-presses:]
    with ExitStack() as stack:
        receivers = stack.enter_context(Receivers())
        addresses = {login: receivers.url("good") for login in LOGINS.values()}
        district = stack.enter_context(run_district(MOST_HOMES, ["duty_first"], addresses, embedded=embedded))
        with PressClient(district.broker_port) as client:
            idle = _press_each(client, halves[0], rate, patience_s)
        lasts_s = presses / rate + 2 * _SETTLED_S
        made = flood_messages(floods, int(flood_rate * lasts_s), Clock().time())
        stack.enter_context(_flooding(district.broker_port, made, flood_rate))
        time.sleep(_SETTLED_S)
        with PressClient(district.broker_port) as client:
            beside = _press_each(client, halves[1], rate, patience_s)
    return isolation_figures(idle, beside, presses), district.servers


def _press_each(client: PressClient, homes: Sequence[int], rate: float, patience_s: float) -> list[float]:
    """Press once in each home; return how long the presses took to be stored, s, of those that were."""
    begun = time.monotonic()
    for index, number in enumerate(homes):
        time.sleep(max(begun + index / rate - time.monotonic(), 0.0))
        client.press(number)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and not client.times.sent.keys() <= client.times.stored.keys():
        time.sleep(_POLL_S)
    return client.times.stored_s()


@contextmanager
def _flooding(port: int, made: Iterable[tuple[str, bytes]], rate: float) -> Iterator[None]:
    """Publish messages at this rate, from a process of its own, until the exit."""
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        file = Path(folder) / "flood"
        traffic.save(file, made)
        words = ["publish", str(port), str(file), f"{rate:.1f}"]
        process = subprocess.Popen([sys.executable, "-m", "anju_research.bench.roles", *words])
        try:
            yield
        finally:
            stop_process(process)


def _quantile(times: Sequence[float], share: float) -> float:
    return float(np.quantile(times, share)) if times else float("inf")
