"""Pages cannot starve ingest: presses are stored in order while strangers sign in, dawdle and write."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fixtures._home_client import press
from fixtures._http_server import PATIENCE_S, serve
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection, event, select, text

from anju_platform.accounts.service import AccountService
from anju_platform.accounts.sign_in import SignInService
from anju_platform.alerts.models import Alert
from anju_platform.app.bootstrap import build
from anju_platform.app.http import create_app
from anju_platform.app.platform import Platform
from anju_platform.app.seed import seed
from anju_platform.db.engine import make_sessions
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.service import DeviceService
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.settings import load
from anju_wire.messages import Ack, Envelope, decode, encode

HOMES, PRESSES, STRANGERS, DAWDLERS = 6, 12, 40, 60
PAGE_THREADS = 40
"""Threads in which requests run, AnyIO's default."""


@dataclass
class Transactions:
    """Which threads are in a transaction that writes, and what each had to wait for."""

    open_in: set[int] = field(default_factory=set)
    commits: int = 0
    waited_for: dict[str, list[int]] = field(default_factory=dict)
    """By the name of the thread: commits of others between asking for a transaction and having it."""
    _asked: dict[int, int] = field(default_factory=dict)

    def watch(self, platform: Platform) -> None:
        engine = platform.database

        def asks(*_: object) -> None:
            self._asked[threading.get_ident()] = self.commits

        def begins(connection: Connection) -> None:
            if connection.get_execution_options().get("sqlite_begin") == "DEFERRED":
                return
            me = threading.get_ident()
            self.open_in.add(me)
            waited = self.commits - self._asked[me]
            self.waited_for.setdefault(threading.current_thread().name, []).append(waited)

        def ends(_connection: Connection) -> None:
            me = threading.get_ident()
            if me in self.open_in:
                self.open_in.discard(me)
                self.commits += 1

        event.listen(engine, "checkout", asks)  # a session takes a connection when it begins, and waits only then
        event.listen(engine, "begin", begins)
        for name in ("commit", "rollback"):
            event.listen(engine, name, ends)


class HeldHasher:
    """Waits until it is let go; notes how many run at once, and whether its thread holds a transaction meanwhile."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions, self._lock = transactions, threading.Lock()
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.running = self.most = self.within_transaction = 0

    def verify(self, _password: str, _stored: str) -> bool:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.within_transaction += threading.get_ident() in self._transactions.open_in
        self.entered.set()
        assert self.go_on.wait(PATIENCE_S)
        with self._lock:
            self.running -= 1
        return False


@pytest.fixture
def platform(database_url: str, tmp_path: Path) -> Iterator[Platform]:
    made = build(load(database_url=database_url, series_url=f"duckdb:///{tmp_path}/series.duckdb", mqtt_port=1))
    with made.work() as work:
        seed(work, AccountService(_cheap_passwords()), HOMES)
    yield made
    made.series.close()
    made.database.dispose()


def _cheap_passwords() -> PasswordHash:
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))


@dataclass
class Line:
    """The alarm line of a platform, with the transactions that it has there."""

    consumer: AlarmConsumer
    acks: list[Ack] = field(default_factory=list)

    @classmethod
    def of(cls, platform: Platform) -> Line:
        acks: list[Ack] = []
        work = partial(UnitOfWork, make_sessions(platform.database, ahead=True), platform.dispatcher, platform.clock)
        consumer = AlarmConsumer(
            work=work,
            device_cache=DeviceCache(work),
            alerts=platform.alerts.intake,
            registry=platform.services.get(DeviceService),
            post=lambda _topic, payload: acks.append(decode(Ack, payload)),
            onward=lambda _message: None,
        )
        return cls(consumer, acks)

    def press(self, number: int, now: float) -> None:
        """Store and acknowledge the press of one home after the other."""
        home = f"home-{number % HOMES + 1:02d}"
        seq = number // HOMES + 1
        pack = [press("button-sos", now + number)]
        payload = encode(Envelope(gateway=f"gw-{home}", epoch=1, seq=seq, base=1, sent=now + number, pack=pack))
        self.consumer.consume_batch([RawMessage(f"anju/v1/anning/{home}/alarm", payload, now + number)])


def test_presses_are_stored_while_forty_strangers_sign_in_and_others_dawdle(platform: Platform) -> None:
    transactions = Transactions()
    transactions.watch(platform)
    held = HeldHasher(transactions)
    platform.services.get(SignInService)._hasher = cast("Any", held)
    line, now = Line.of(platform), platform.clock.time()
    with serve(create_app(platform)) as port, ThreadPoolExecutor(STRANGERS) as pool, ExitStack() as stack:
        half_open = [b"", b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\n{", b"GET /board HT"]
        for number in range(DAWDLERS):
            made = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
            made.sendall(half_open[number % len(half_open)])
        guesses = [pool.submit(_guess, port, number) for number in range(STRANGERS)]
        assert held.entered.wait(PATIENCE_S)
        for number in range(PRESSES):
            line.press(number, now)
        assert not held.go_on.is_set(), "every press is stored before a single password is checked to its end"
        assert [ack.upto for ack in line.acks] == [number // HOMES + 1 for number in range(PRESSES)]
        with platform.work() as work:
            pressed = work.session.scalars(select(Alert.home_id).where(Alert.kind == "sos")).all()
        assert set(pressed) == {f"home-{number + 1:02d}" for number in range(HOMES)}
        held.go_on.set()
        assert {guess.result(PATIENCE_S) for guess in guesses} == {401, 429}
    assert held.within_transaction == 0
    assert held.most <= 2


def _guess(port: int, number: int) -> int:
    given = {"login": f"stranger-{number}", "password": "guess"}
    return httpx.post(f"http://127.0.0.1:{port}/api/v1/sessions", json=given, timeout=PATIENCE_S).status_code


def test_a_press_waits_for_one_transaction_of_a_page_at_most(platform: Platform) -> None:
    transactions = Transactions()
    transactions.watch(platform)
    stop, writing = threading.Event(), threading.Barrier(13)

    def write_pages(number: int) -> None:
        writing.wait(PATIENCE_S)
        while not stop.is_set():
            with platform.work() as work:
                for home in range(HOMES * 5):
                    work.session.execute(text("UPDATE home SET door_code = :n WHERE id = :id"), _page(number, home))

    line, now = Line.of(platform), platform.clock.time()
    with ThreadPoolExecutor(12) as pool:
        pages = [pool.submit(write_pages, number) for number in range(12)]
        try:
            writing.wait(PATIENCE_S)
            presses = threading.Thread(target=_press_all, args=(line, now), name="alarm-line")
            presses.start()
            presses.join(PATIENCE_S * 3)
        finally:
            stop.set()
        for page in pages:
            page.result(PATIENCE_S)
    while line.consumer.waiting_since_s is not None:  # on PostgreSQL a page may have kept a home for long
        line.consumer.consume_batch([])
    assert len(line.acks) == PRESSES
    if platform.database.dialect.name == "sqlite":
        # The one that had the turn, and one that took it between the taking of a connection and the asking for a turn.
        assert max(transactions.waited_for["alarm-line"]) <= 2


def test_on_postgresql_a_press_waits_for_no_page_that_is_writing(postgres_url: str, tmp_path: Path) -> None:
    """As many transactions as there are threads for pages hold every other home, and none of them ends."""
    platform = build(load(database_url=postgres_url, series_url=f"duckdb:///{tmp_path}/series.duckdb", mqtt_port=1))
    with platform.work() as work:
        seed(work, AccountService(_cheap_passwords()), HOMES)
    line, now = Line.of(platform), platform.clock.time()
    with ExitStack() as pages:
        for number in range(PAGE_THREADS):
            work = pages.enter_context(platform.work())
            home = f"home-{number % (HOMES - 1) + 2:02d}" if number < HOMES - 1 else "home-00"
            work.session.execute(text("SELECT id FROM home WHERE id = :id FOR NO KEY UPDATE"), {"id": home})
        line.press(0, now)
        assert [ack.upto for ack in line.acks] == [1], "home-01 waits for none of them"
        line.press(1, now)
        assert len(line.acks) == 1
        assert line.consumer.waiting_since_s is not None, "home-02 does, apart from the others"
        line.press(HOMES, now)
        assert [ack.upto for ack in line.acks] == [1, 2]
    while line.consumer.waiting_since_s is not None:
        line.consumer.consume_batch([])
    assert len(line.acks) == 3
    platform.series.close()
    platform.database.dispose()


def test_the_alarm_line_alone_goes_ahead(platform: Platform) -> None:
    ahead: list[bool] = []
    me = threading.get_ident()

    def note(link: Connection) -> None:
        if threading.get_ident() == me:  # what is delivered meanwhile is the leader's other work
            ahead.append("sqlite_ahead" in link.get_execution_options())

    event.listen(platform.database, "begin", note)
    platform.scheduler.run_all()
    platform.monitoring.save_snapshot()
    assert ahead
    assert not any(ahead), "a job of the leader waits for its turn like a page"
    ahead.clear()
    alarms, telemetry = platform.ingest._make_consumers(lambda _topic, _payload: None, lambda _message: None)
    Line(alarms).press(1, platform.clock.time())
    assert ahead
    assert all(ahead)
    ahead.clear()
    telemetry.update_records(final=True)
    assert not any(ahead)


def _press_all(line: Line, now: float) -> None:
    for number in range(PRESSES):
        line.press(number, now)


def _page(number: int, home: int) -> dict[str, str]:
    return {"n": str(number), "id": f"home-{home % HOMES + 1:02d}"}
