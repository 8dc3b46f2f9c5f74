"""What the platform processes on one PostgreSQL tell each other: events for open pages, and what monitoring must learn.

Each process serves pages, whoever leads. An event for a page is published in every process; a message to a person
counts as shown where any process has her page open, so each process says each second which pages those are. What a
person decides on any page reaches monitoring in the process that leads.

It is `NOTIFY`, which loses what comes while a listener is cut off: its pages are then told to load everything anew.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import psycopg
import structlog
from sqlalchemy.engine import make_url

from anju_core.events import AbsenceChanged, AlertResolved, SensitivityChanged
from anju_platform.db.errors import describe_error
from anju_platform.web.hub import RESYNC, Hub
from anju_platform.web.topics import ACCOUNT

CHANNEL = "anju_platform"
PRESENCE_S = 1.0
"""How often a process says which pages it has open, s."""
PRESENT_S = 3.0
"""How long that is believed, s."""
_LONGEST = 7900
"""Bytes of a `NOTIFY`: PostgreSQL takes fewer than 8000."""
_TOPICS_EACH = 100
_WAIT_S = 0.25
_CONNECT = {"connect_timeout": 2, "tcp_user_timeout": 2000, "keepalives_idle": 2, "keepalives_interval": 1}
log = structlog.get_logger("anju.relay")


class PageEvent(msgspec.Struct, frozen=True, tag="page"):
    """An event for every open page on a topic."""

    sender: str
    topic: str
    event: str
    data: str


class OpenPages(msgspec.Struct, frozen=True, tag="open"):
    """People whose pages are open at a process: topics `account:…`."""

    sender: str
    topics: list[str]


class Learned(msgspec.Struct, frozen=True, tag="learned"):
    """An event of a slice that monitoring learns from, as JSON under its class's name."""

    sender: str
    name: str
    body: msgspec.Raw


Teaching = AlertResolved | AbsenceChanged | SensitivityChanged
_TEACHING: dict[str, type[Teaching]] = {
    kind.__name__: kind for kind in (AlertResolved, AbsenceChanged, SensitivityChanged)
}
_decode = msgspec.json.Decoder(PageEvent | OpenPages | Learned).decode


class PostgresRelay:
    """Publishes for all processes on one database; a `PageHub`. Any thread may call any method."""

    def __init__(self, url: str, process_id: str, hub: Hub, learn: Callable[[Teaching], None]) -> None:
        plain = make_url(url).set(drivername="postgresql")
        self._conninfo = plain.render_as_string(hide_password=False)
        self._id, self._hub, self._learn = process_id, hub, learn
        self._outgoing: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._elsewhere: dict[tuple[str, str], float] = {}
        """By process and topic: until when a person's page counts as open there, by the monotonic clock."""
        self._threads = [
            threading.Thread(target=self._repeat, args=(run,), name=f"relay-{name}", daemon=True)
            for name, run in (("receive", self._receive_all), ("send", self._send_all))
        ]

    def start(self) -> None:
        """Connect in the background, again and again."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Disconnect."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def publish(self, topic: str, event: str, data: str = "") -> int:
        """Send an event to every page on the topic, here and elsewhere; returns how many processes or pages that is.

        Only of people's own topics (`account:…`) is known whether a page is open elsewhere.
        """
        here = self._hub.publish(topic, event, data)
        whole = msgspec.json.encode(PageEvent(self._id, topic, event, data))
        if len(whole) > _LONGEST:
            whole = msgspec.json.encode(PageEvent(self._id, topic, RESYNC, ""))
        self._outgoing.put(whole)
        now = time.monotonic()
        return here + sum(where[1] == topic and until > now for where, until in list(self._elsewhere.items()))

    def teach(self, event: Teaching) -> None:
        """Let the process that leads learn from an event that happened here."""
        body = msgspec.Raw(msgspec.json.encode(event))
        self._outgoing.put(msgspec.json.encode(Learned(self._id, type(event).__name__, body)))

    def _repeat(self, run: Callable[[psycopg.Connection], None]) -> None:
        while not self._stop.is_set():
            with self._reported(), psycopg.connect(self._conninfo, autocommit=True, **_CONNECT) as link:  # type: ignore[arg-type]
                run(link)
            self._stop.wait(_WAIT_S)

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            if not self._stop.is_set():
                log.warning("the other processes cannot be reached", error=describe_error(error)[:300])
        except Exception:
            log.exception("the other processes cannot be told or heard; trying again")

    def _receive_all(self, link: psycopg.Connection) -> None:
        link.execute(f"LISTEN {CHANNEL}")
        self._hub.resync_pages()
        while not self._stop.is_set():
            for note in link.notifies(timeout=_WAIT_S):
                self._take(note.payload)
            link.execute("SELECT 1")  # a connection that is dead says so

    def _take(self, payload: str) -> None:
        try:
            note = _decode(payload)
            if note.sender == self._id:
                return
            if isinstance(note, PageEvent):
                self._hub.publish(note.topic, note.event, note.data)
            elif isinstance(note, OpenPages):
                until = time.monotonic() + PRESENT_S
                self._elsewhere |= {(note.sender, topic): until for topic in note.topics}
            else:
                self._learn(msgspec.json.decode(note.body, type=_TEACHING[note.name]))
        except Exception:
            log.exception("a message of another process cannot be used", payload=payload[:300])

    def _send_all(self, link: psycopg.Connection) -> None:
        said_s = -PRESENCE_S
        while not self._stop.is_set():
            with contextlib.suppress(queue.Empty):
                self._send(link, self._outgoing.get(timeout=_WAIT_S))
            if time.monotonic() - said_s >= PRESENCE_S:
                said_s = time.monotonic()
                self._say_open_pages(link)

    def _send(self, link: psycopg.Connection, whole: bytes) -> None:
        try:
            link.execute("SELECT pg_notify(%s, %s)", (CHANNEL, whole.decode()))
        except psycopg.Error:
            self._outgoing.put(whole)  # again on the next connection
            raise

    def _say_open_pages(self, link: psycopg.Connection) -> None:
        now = time.monotonic()
        self._elsewhere = {where: until for where, until in list(self._elsewhere.items()) if until > now}
        topics = sorted(topic for topic in self._hub.topics() if topic.startswith(ACCOUNT))
        for start in range(0, len(topics), _TOPICS_EACH):
            self._send(link, msgspec.json.encode(OpenPages(self._id, topics[start : start + _TOPICS_EACH])))
