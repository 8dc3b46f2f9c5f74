"""The gateway's own thread: what the home's bus is told is safe, is in the spool."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anju_cli.ports import free_port
from anju_gateway.cli import read_spool_row
from anju_gateway.gateway import BUS_SESSION, Gateway
from anju_gateway.mqtt import Arrived
from anju_gateway.settings import HomeSettings
from anju_wire.clock import Clock
from anju_wire.digests import digest_of_bytes
from anju_wire.messages import Ack, Envelope, decode
from anju_wire.vocabulary import SPOOLED_LANES, Lane

PATIENCE_S = 20.0
MESSAGES = {"press": {"action": "emergency"}, "door opens": {"contact": False}}


class LocalBus:
    """Stands in for the session with the home's bus; notes what the spool held when a message was acknowledged."""

    def __init__(self, spool: Path, emit: Callable[[Arrived], None]) -> None:
        self._spool, self._emit = spool, emit
        self.acknowledged: queue.Queue[tuple[str, dict[str, int]]] = queue.Queue()
        self.dropped = threading.Event()
        self.on_drop: Callable[[], None] = lambda: None

    def say(self, name: str) -> None:
        device = "button" if name == "press" else "door"
        payload = json.dumps(MESSAGES[name]).encode()
        token: Any = name
        self._emit(Arrived(BUS_SESSION, f"home-07/zigbee2mqtt/{device}", payload, retained=False, token=token))

    def ack(self, token: str) -> None:
        row = read_spool_row(self._spool)
        self.acknowledged.put((token, dict(zip([*SPOOLED_LANES, "staged"], map(int, row), strict=False))))

    def drop_connection(self) -> None:
        self.on_drop()
        self.dropped.set()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Nobody listens."""

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Gateway, LocalBus]]:
    """A gateway that reaches no platform, and its home's bus."""
    nowhere = {"host": "127.0.0.1", "port": free_port()}
    settings = HomeSettings.model_validate(
        {
            "home": "home-07",
            "community": "anning",
            "gateway": "gw-home-07",
            "spool": tmp_path / "spool.sqlite",
            "uplink": nowhere,
            "bus": nowhere,
            "devices": [{"id": "button", "kind": "button"}, {"id": "door", "kind": "door"}],
        }
    )
    gateway = Gateway(settings, Clock())
    bus = LocalBus(settings.spool, gateway._inbox.put)
    gateway._bus = bus  # type: ignore[assignment]
    yield gateway, bus
    gateway.stop()


@pytest.mark.parametrize(("name", "kept_in"), [("press", "alarm"), ("door opens", "staged")])
def test_the_bus_may_forget_what_the_spool_holds_and_not_before(
    home: tuple[Gateway, LocalBus], name: str, kept_in: str
) -> None:
    gateway, bus = home
    bus.say(name)
    gateway.start()
    said, held = bus.acknowledged.get(timeout=PATIENCE_S)
    assert (said, held[kept_in]) == (name, 1)


def test_a_gateway_starts_where_no_file_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "card").write_text("a file stands where the folder should be")
    nowhere = {"host": "127.0.0.1", "port": free_port()}
    settings = HomeSettings.model_validate(
        {
            "home": "home-07",
            "community": "anning",
            "gateway": "gw-home-07",
            "spool": tmp_path / "card" / "spool.sqlite",
            "uplink": nowhere,
            "bus": nowhere,
            "devices": [{"id": "button", "kind": "button"}],
        }
    )
    gateway = Gateway(settings, Clock())
    assert gateway._spool.lost == 1
    gateway.stop()


def test_a_press_that_cannot_be_spooled_is_sent_all_the_same_and_once(home: tuple[Gateway, LocalBus]) -> None:
    gateway, bus = home
    gateway._spool._db.execute("PRAGMA query_only = ON")
    sent: list[Envelope] = []

    def publish(payload: bytes) -> bool:
        sent.append(decode(Envelope, payload))
        ack = Ack(epoch=sent[-1].epoch, lane=Lane.ALARM, upto=1, seq=sent[-1].seq, digest=digest_of_bytes(payload))
        assert gateway._unspooled.apply_ack(ack, time.monotonic())
        return True

    gateway._unspooled._publish = publish
    bus.on_drop = lambda: bus.say("press")
    bus.say("press")
    gateway.start()
    said, held = bus.acknowledged.get(timeout=PATIENCE_S)
    assert (said, held["alarm"]) == ("press", 0), "the platform has it, so the bus may forget it"
    assert [(one.seq, one.pack[0].n) for one in sent] == [(1, "button/sos")]
    assert sent[0].epoch != gateway._spool.epoch


def test_a_spool_that_takes_no_more_acknowledges_nothing_and_asks_for_it_again(home: tuple[Gateway, LocalBus]) -> None:
    gateway, bus = home
    spool = gateway._spool._db
    spool.execute("PRAGMA query_only = ON")  # as a worn state card does that is mounted read-only
    acknowledged_until_dropped = []

    def mend() -> None:
        """The bus sends again what it was not told to forget, once the connection is new."""
        acknowledged_until_dropped.append(bus.acknowledged.qsize())
        spool.execute("PRAGMA query_only = OFF")
        bus.say("press")

    bus.on_drop = mend
    bus.say("press")
    gateway.start()
    assert bus.dropped.wait(PATIENCE_S)
    assert acknowledged_until_dropped == [0]
    said, held = bus.acknowledged.get(timeout=PATIENCE_S)
    assert (said, held["alarm"]) == ("press", 1)
