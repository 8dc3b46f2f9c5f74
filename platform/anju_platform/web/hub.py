"""Server-sent events: what one thread publishes reaches every open page whose topics match."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from anju_core.errors import TooMany

RESYNC = "resync"
"""Event name that tells a page to load everything anew, since events were dropped."""
QUEUE = 64
"""Most events that wait for one page."""
KEEP_ALIVE_S = 15.0
STREAMS_PER_ACCOUNT = 20
"""Most open streams of one account: a worker's tabs on a few machines."""
MOST_STREAMS = 1000
"""Most open streams of a process."""
STALE_OVERFLOWS = 3
"""A page that overflows this often without reading anything is gone, whatever its connection says."""


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event."""

    event: str
    data: str

    def encode(self) -> bytes:
        """Return the event as bytes: each line of the data is a field of its own (HTML standard, §9.2)."""
        lines = "".join(f"data: {line}\n" for line in self.data.splitlines() or [""])
        return f"event: {self.event}\n{lines}\n".encode()


@dataclass(eq=False, slots=True)
class _Page:
    topics: frozenset[str]
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[Message | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    overflows: int = 0

    def offer(self, message: Message | None) -> None:
        """Queue a message, in the page's loop. A full queue is emptied and replaced by one resync."""
        if message is not None and not self.queue.full():
            self.queue.put_nowait(message)
            return
        while not self.queue.empty():
            self.queue.get_nowait()
        self.overflows += 1
        gone = message is None or self.overflows >= STALE_OVERFLOWS
        self.queue.put_nowait(None if gone else Message(RESYNC, ""))


class TooManyStreams(TooMany):
    """More event streams are open than one person needs."""

    def __init__(self) -> None:
        super().__init__("too many pages are open at once; close some of them", round(KEEP_ALIVE_S))


class Hub:
    """Sends events to the open pages of this process. `publish` and `close` may be called from any thread."""

    def __init__(self) -> None:
        self._owners: Counter[Hashable] = Counter()
        self._pages: set[_Page] = set()
        self._lock = threading.Lock()
        self._closed = False

    def publish(self, topic: str, event: str, data: str = "") -> int:
        """Send an event to every page that listens to the topic; returns how many there are."""
        message = Message(event, data)
        with self._lock:
            pages = [page for page in self._pages if topic in page.topics]
        return sum(self._hand(page, message) for page in pages)

    def resync_pages(self) -> None:
        """Tell every page to load everything anew: events may have been missed."""
        with self._lock:
            pages = list(self._pages)
        for page in pages:
            self._hand(page, Message(RESYNC, ""))

    def topics(self) -> frozenset[str]:
        """Return the topics that at least one open page listens to."""
        with self._lock:
            return frozenset().union(*(page.topics for page in self._pages))

    def count_listeners(self, topic: str | None = None) -> int:
        """Return how many pages are open, of a topic or of all."""
        with self._lock:
            return sum(topic is None or topic in page.topics for page in self._pages)

    def close(self) -> None:
        """End every stream, since the platform stops."""
        with self._lock:
            self._closed = True
            pages = list(self._pages)
        for page in pages:
            self._hand(page, None)

    def claim_stream(self, owner: Hashable) -> None:
        """Count a stream of an account before it opens; raises `TooManyStreams`."""
        with self._lock:
            if self._owners[owner] >= STREAMS_PER_ACCOUNT or self._owners.total() >= MOST_STREAMS:
                raise TooManyStreams
            self._owners[owner] += 1

    def release_stream(self, owner: Hashable) -> None:
        """Forget a stream that was claimed."""
        with self._lock:
            self._owners[owner] -= 1
            if self._owners[owner] <= 0:
                del self._owners[owner]

    async def open_stream(self, topics: Iterable[str]) -> AsyncGenerator[Message | None]:
        """Yield the events of the topics, and None after each `KEEP_ALIVE_S` without one. Ends on `close`."""
        page = _Page(frozenset(topics), asyncio.get_running_loop())
        with self._lock:
            if self._closed:
                return
            self._pages.add(page)
        try:
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        message = await page.queue.get()
                except TimeoutError:
                    yield None
                    continue
                if message is None:
                    return
                page.overflows = 0
                yield message
        finally:
            with self._lock:
                self._pages.discard(page)

    def _hand(self, page: _Page, message: Message | None) -> bool:
        try:
            page.loop.call_soon_threadsafe(page.offer, message)
        except RuntimeError:  # the loop is closed: so is the page
            with self._lock:
                self._pages.discard(page)
            return False
        return True


def event_stream(
    hub: Hub,
    topics: Iterable[str],
    *,
    owner: Hashable,
    last_event_id: str | None = None,
    still: Callable[[], bool] | None = None,
    on_sent: Callable[[Message], None] | None = None,
) -> StreamingResponse:
    """Return the answer of an SSE endpoint; raises `TooManyStreams`.

    owner: the account whose streams are counted together.
    last_event_id: the request's header; a browser sends it when it comes back, and is then told to resync.
    still: whether the listener may go on; asked every `KEEP_ALIVE_S` in a thread, the stream ends when it says no.
    on_sent: is told of each event in a thread, while it is sent: the event waits for nothing.
    """
    hub.claim_stream(owner)
    return _EventStream(
        _frames(hub, frozenset(topics), still, on_sent, again=last_event_id is not None),
        partial(hub.release_stream, owner),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _EventStream(StreamingResponse):
    """A streaming answer that calls `ended` when it is over, also where it never began."""

    def __init__(
        self, content: AsyncIterator[bytes], ended: Callable[[], None], *, media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._ended = weakref.finalize(self, ended)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


async def _frames(
    hub: Hub,
    topics: frozenset[str],
    still: Callable[[], bool] | None,
    on_sent: Callable[[Message], None] | None = None,
    *,
    again: bool,
) -> AsyncIterator[bytes]:
    told: set[asyncio.Task[None]] = set()
    now = asyncio.get_running_loop().time
    asked = now()
    yield b"retry: 2000\nid: 0\n: open\n\n"
    if again:
        yield Message(RESYNC, "").encode()
    # Closed with the stream, not when the garbage collector comes by: a page that left must not be written to.
    async with aclosing(hub.open_stream(topics)) as messages:
        async for message in messages:
            if still is not None and now() - asked >= KEEP_ALIVE_S:
                if not await run_in_threadpool(still):
                    return
                asked = now()
            if on_sent is not None and message is not None:
                # A task of its own: a listener that leaves at once cannot keep it from being told.
                told.add(task := asyncio.ensure_future(run_in_threadpool(on_sent, message)))
                task.add_done_callback(told.discard)
            yield b": still here\n\n" if message is None else message.encode()
