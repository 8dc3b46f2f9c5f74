"""Stands in for the services that messages leave through: counts what arrives, and judges what arrived again."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from anju_wire.clock import Clock


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it arrived; `process` is the platform process that sent it."""

    at_s: float
    process: str
    login: str
    subject: str


@dataclass(frozen=True, slots=True)
class Kill:
    """When a process was told to die, and when it was dead, Unix s."""

    process: str
    asked_s: float
    dead_s: float


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """What the outbox says of one message to a person; `settled_s` is when its delivery was written down, Unix s."""

    login: str
    subject: str
    tries: int
    settled_s: float


class WebhookReceiver:
    """A loopback service that takes every message of Apprise's `json://`."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        receiver, clock = self, Clock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                at_s = clock.time()
                process, login = self.path.strip("/").split("/")
                subject = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"]
                receiver.deliveries.append(Delivery(at_s, process, login, subject))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def apprise_urls(self, process: str, logins: Sequence[str]) -> str:
        """`ANJU_APPRISE` for one process, with an address for each login."""
        base = f"json://127.0.0.1:{self._server.server_port}/{process}"
        return json.dumps({login: f"{base}/{login}" for login in logins})

    def arrived(self, login: str, subject: str) -> list[Delivery]:
        """Every arrival of one message, in order."""
        return sorted(
            (one for one in self.deliveries if (one.login, one.subject) == (login, subject)), key=lambda one: one.at_s
        )


def why_doubled(arrived: Sequence[Delivery], rows: Sequence[OutboxRow], kills: Sequence[Kill]) -> str:
    """Why arrivals of one message to one person are a fault; empty where they are none.

    A message arrives exactly once. Delivery is at least once, so that one case is excused: the process that sent it was
    killed after the message had left and before that was written down; then a later leader sends it once more, be
    it the same process in its next life.
    """
    if len(rows) != 1:
        return f"{len(rows)} messages in the outbox instead of one"
    if len(arrived) == 1:
        return ""
    if len(arrived) != 2 or rows[0].tries < 2:
        return f"arrived {len(arrived)} times in {rows[0].tries} tries"
    first, again = arrived
    in_flight = [
        kill
        for kill in kills
        if kill.process == first.process
        and first.at_s <= kill.dead_s < again.at_s
        and kill.asked_s <= rows[0].settled_s
    ]
    if not in_flight:
        return f"arrived again, and no kill of its sender explains it: {first}, {again}"
    return ""
