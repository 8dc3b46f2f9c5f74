"""ASGI middleware that shares out threads: requests that read never take those that acting on an alarm needs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anju_platform.web.dependencies import REQUEST_UNITS
from anju_platform.web.errors import answer_problem

READS = 12
"""Requests that read which are worked on at once. Each holds one thread at most, of the event loop's 40."""
CHANGES = REQUEST_UNITS
"""Requests that change something which are worked on at once."""
MOST_WAITING = 200
"""Most requests that wait in one lane; more are refused."""
RETRY_S = 3
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class _Lane:
    """Some places, and the requests that wait for one, in the order in which they came."""

    places: int
    waiting: int = 0
    free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.free = asyncio.Semaphore(self.places)


class RequestLanes:
    """Lets at most `READS` reading and `CHANGES` changing requests run at once; the others wait without a thread.

    Twelve threads are left whatever pages do: for health, for the checks of open streams, for signing in. Ingest,
    detection and deliveries have threads of their own. A place is given back when the answer begins, so that neither
    an open stream nor a client that reads slowly keeps it.

    apart: paths without a lane, since they need no thread or have bounds of their own.
    """

    def __init__(self, app: ASGIApp, *, apart: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._apart = apart
        self._lanes: Mapping[bool, _Lane] = {True: _Lane(READS), False: _Lane(CHANGES)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request once it has a place."""
        if scope["type"] != "http" or scope["path"] in self._apart:
            await self._app(scope, receive, send)
            return
        lane = self._lanes[scope["method"] in _SAFE]
        if lane.waiting >= MOST_WAITING:
            answer = answer_problem(Request(scope), HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once")
            answer.headers["Retry-After"] = str(RETRY_S)
            await answer(scope, receive, send)
            return
        lane.waiting += 1
        try:
            await lane.free.acquire()
        finally:
            lane.waiting -= 1
        held = True

        async def sent(message: Message) -> None:
            nonlocal held
            if held:
                held = False
                lane.free.release()
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            if held:
                lane.free.release()
