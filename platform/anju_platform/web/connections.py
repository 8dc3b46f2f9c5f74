"""Bounds of connections: how many there may be, and how long a client may take over the head of a request."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from anju_platform.web.addresses import is_within, network_of

HEAD_S = 10.0
"""Longest time from the first byte of a request (or the opening of a connection) to the end of its headers, s."""
MOST_CONNECTIONS = 2000
MOST_PER_ADDRESS = 200
"""An office of thirty behind one address, with six connections for each browser."""
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class ConnectionLimits:
    """Counts the open connections of one server; used in its event loop alone.

    proxies: addresses that speak for many clients, and are bounded by `most` only.
    """

    def __init__(
        self,
        *,
        proxies: tuple[str, ...] = (),
        most: int = MOST_CONNECTIONS,
        per_address: int = MOST_PER_ADDRESS,
        head_s: float = HEAD_S,
    ) -> None:
        self.head_s = head_s
        self._proxies, self._most, self._per_address = proxies, most, per_address
        self._open: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Count a new connection; False, and nothing counted, where there are too many."""
        network = network_of(address)
        crowded = self._open[network] >= self._per_address and not is_within(address, self._proxies)
        if crowded or self._open.total() >= self._most:
            return False
        self._open[network] += 1
        return True

    def release(self, address: str) -> None:
        """Forget a connection that was admitted."""
        network = network_of(address)
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with bounds: it knows no timeout before a request is complete, and no limit by address."""

    limits = ConnectionLimits()
    _address = ""
    _admitted = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a connection, or answer that there are too many."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._admitted = self.limits.admit(self._address)
        if not self._admitted:
            transport.write(_FULL)
            transport.close()
            return
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._stop_watching()
        if self._admitted:
            self._admitted = False
            self.limits.release(self._address)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; those that belong to no request in progress have to become one in time."""
        if not self._admitted:
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_watching()
        elif self._head_timer is None and not self.transport.is_closing():
            self._watch_head()

    def _watch_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_s, self.transport.close)

    def _stop_watching(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def guarded_protocol(limits: ConnectionLimits) -> type[Any]:
    """Return the protocol class for one server, with its limits."""
    return type("LimitedProtocol", (GuardedProtocol,), {"limits": limits})
