"""Simulated network links: one TCP proxy per home towards the district, which can be cut, restored and delayed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Self

from anju_wire.fleet import BrokerAddress

_CHUNK_BYTES = 65_536
_CLOSE_TIMEOUT_S = 2.0


class HomeLink:
    """The proxy of one home; all methods run on the event loop's thread."""

    def __init__(self, near: BrokerAddress, far: BrokerAddress) -> None:
        self._near, self._far = near, far
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.delay_s = 0.0

    async def restore(self) -> None:
        """Listen again and release held data; raises `OSError` where the port is taken."""
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, self._near.host, self._near.port)

    async def cut(self, *, silent: bool) -> None:
        """Abort every connection and refuse new ones; with `silent`, keep them open and carry nothing."""
        if silent:
            self._flowing.clear()
            return
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def close(self) -> None:
        """Abort every connection and wait up to 2 s for their tasks."""
        self._flowing.set()
        self.delay_s = 0.0
        await self.cut(silent=False)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_TIMEOUT_S)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            far_reader, far_writer = await asyncio.open_connection(self._far.host, self._far.port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._open |= both
        try:
            up = asyncio.ensure_future(self._pump(reader, far_writer))
            down = asyncio.ensure_future(self._pump(far_reader, writer))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            up.cancel()
            down.cancel()
        finally:
            self._open -= both
            for end in both:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._flowing.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()


class SimulatedNetwork:
    """The links of a fleet, run by a thread of their own; a context manager."""

    def __init__(self, near_ends: dict[str, BrokerAddress], far: BrokerAddress) -> None:
        self._near, self._far = near_ends, far
        self._links: dict[str, HomeLink] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open_links())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close_links())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def cut_link(self, home: str, *, silent: bool = False) -> None:
        """Cut a home's link (`HomeLink.cut` says how `silent` differs); raises `KeyError` for an unknown home."""
        self._run(self._links[home].cut(silent=silent))

    def restore_link(self, home: str) -> None:
        """Restore a home's link; raises `KeyError` for an unknown home."""
        self._run(self._links[home].restore())

    def delay_link(self, home: str, seconds: float) -> None:
        """Delay every chunk of data by `seconds` in each direction; raises `KeyError` for an unknown home."""
        self._links[home].delay_s = seconds

    async def _open_links(self) -> None:
        for home, near in self._near.items():
            self._links[home] = HomeLink(near, self._far)
            await self._links[home].restore()

    async def _close_links(self) -> None:
        for link in self._links.values():
            await link.close()

    def _run(self, what: object) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)  # type: ignore[arg-type]
