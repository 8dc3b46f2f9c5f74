"""The outside of the alarm benchmark: a loopback service that takes messages, one that hangs and one that trickles."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from anju_research.bench.stopwatch import HOST

DRIP_S = 0.5
_POLL_S = 0.05


class Receivers:
    """One server; the path says how it behaves: `/good`, `/hangs`, `/trickles`. A context manager.

    arrivals: when each message arrived at `/good`, by its title, s of the monotonic clock.
    """

    def __init__(self) -> None:
        self.arrivals: dict[str, list[float]] = defaultdict(list)
        self._over, self._lock = threading.Event(), threading.Lock()
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receivers.answer(self, time.monotonic())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
                """Say nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, behaviour: str) -> str:
        """Return the Apprise URL of a behaviour."""
        return f"json://{HOST}:{self._server.server_port}/{behaviour}"

    def count_arrived(self) -> int:
        """Return how many messages arrived at `/good`."""
        with self._lock:
            return sum(map(len, self.arrivals.values()))

    def answer(self, request: BaseHTTPRequestHandler, at_s: float) -> None:
        """Take a message as its path says."""
        told = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        if request.path == "/hangs":
            self._over.wait()
            return
        request.send_response(200)
        request.end_headers()
        if request.path == "/trickles":
            self._trickle(request)
            return
        with self._lock:
            self.arrivals[told["title"]].append(at_s)

    def _trickle(self, request: BaseHTTPRequestHandler) -> None:
        try:
            while not self._over.wait(DRIP_S):
                request.wfile.write(b"x")
        except OSError:
            return
