"""Server-sent events: from any thread to every page, and honest when something was left out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from anju_platform.web import hub as hubs
from anju_platform.web.hub import QUEUE, RESYNC, STALE_OVERFLOWS, Hub, Message, event_stream

LIMIT_S = 20


async def first(messages: AsyncIterator[Message | None], count: int) -> list[Message | None]:
    async with asyncio.timeout(LIMIT_S):
        return [await anext(messages) for _ in range(count)]


async def opened(hub: Hub, *topics: str) -> AsyncIterator[Message | None]:
    """A page that is already listening."""
    messages, before = hub.open_stream(topics), hub.count_listeners()
    waiting: asyncio.Task[Message | None] = asyncio.ensure_future(anext(messages))
    async with asyncio.timeout(LIMIT_S):
        while hub.count_listeners() == before:  # noqa: ASYNC110 - the hub says nothing of who listens
            await asyncio.sleep(0)

    async def rest() -> AsyncIterator[Message | None]:
        try:
            yield await waiting
        except StopAsyncIteration:
            return
        async for message in messages:
            yield message

    return rest()


def test_what_a_thread_publishes_reaches_the_pages_of_its_topic() -> None:
    async def play() -> None:
        hub = Hub()
        mine, other = await opened(hub, "community:a", "account:1"), await opened(hub, "community:b")
        reached: list[int] = []

        def publish() -> None:
            reached.append(hub.publish("community:a", "alert", "1"))
            reached.append(hub.publish("account:1", "told", "2"))
            reached.append(hub.publish("nobody", "x"))
            reached.append(hub.publish("community:b", "alert", "3"))

        thread = threading.Thread(target=publish)
        thread.start()
        assert await first(mine, 2) == [Message("alert", "1"), Message("told", "2")]
        assert await first(other, 1) == [Message("alert", "3")]
        thread.join()
        assert reached == [1, 1, 0, 1]

    asyncio.run(play())


def test_page_that_was_too_slow_is_told_to_load_anew() -> None:
    async def play() -> None:
        hub = Hub()
        page = await opened(hub, "t")
        for number in range(QUEUE + 2):
            hub.publish("t", "alert", str(number))
        messages = await first(page, 1)
        assert messages in ([Message("alert", "0")], [Message(RESYNC, "")])
        hub.publish("t", "alert", "last")
        seen = [message.data for message in await first(page, 2) if message]
        assert seen[-1] == "last"

    asyncio.run(play())


def test_page_that_reads_nothing_is_dropped() -> None:
    async def play() -> None:
        hub = Hub()
        page = hub.open_stream({"t"})
        task: asyncio.Task[Message | None] = asyncio.ensure_future(anext(page))
        while not hub.count_listeners():  # noqa: ASYNC110 - the hub says nothing of who listens
            await asyncio.sleep(0)
        hub.publish("t", "alert", "0")
        assert await task == Message("alert", "0")
        for number in range((QUEUE + 1) * STALE_OVERFLOWS):
            hub.publish("t", "alert", str(number))
        await asyncio.sleep(0)
        async with asyncio.timeout(LIMIT_S):
            rest = [message async for message in page]
        assert rest == []
        assert hub.count_listeners() == 0

    asyncio.run(play())


def test_closing_ends_every_stream_and_lets_none_begin() -> None:
    async def play() -> None:
        hub = Hub()
        page = await opened(hub, "t")
        threading.Thread(target=hub.close).start()
        async with asyncio.timeout(LIMIT_S):
            assert [message async for message in page] == []
            assert [message async for message in hub.open_stream({"t"})] == []

    asyncio.run(play())


def test_quiet_streams_are_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "KEEP_ALIVE_S", 0.01)

    async def play() -> None:
        hub = Hub()
        frames = event_stream(hub, {"t"}, owner="w").body_iterator
        async with asyncio.timeout(LIMIT_S):
            assert await anext(aiter(frames)) == b"retry: 2000\nid: 0\n: open\n\n"
            assert await anext(aiter(frames)) == b": still here\n\n"

    asyncio.run(play())


def test_stream_ends_when_its_listener_may_no_longer_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "KEEP_ALIVE_S", 0.01)

    async def play() -> None:
        hub, answers = Hub(), [True, True, False]
        frames = event_stream(hub, {"t"}, still=lambda: answers.pop(0), owner="w").body_iterator
        async with asyncio.timeout(LIMIT_S):
            seen = [frame async for frame in frames]
        assert seen[1:] == [b": still here\n\n"] * 2
        assert hub.count_listeners() == 0

    asyncio.run(play())


def test_browser_that_comes_back_is_told_to_load_anew() -> None:
    async def play() -> None:
        frames = event_stream(Hub(), {"t"}, owner="w", last_event_id="0").body_iterator
        async with asyncio.timeout(LIMIT_S):
            await anext(aiter(frames))
            assert await anext(aiter(frames)) == b"event: resync\ndata: \n\n"

    asyncio.run(play())


def test_data_of_several_lines_stays_one_event() -> None:
    assert Message("a", "x\ny").encode() == b"event: a\ndata: x\ndata: y\n\n"


def test_page_whose_loop_is_gone_is_forgotten() -> None:
    hub, loop = Hub(), asyncio.new_event_loop()
    hub._pages.add(hubs._Page(frozenset({"t"}), loop))
    loop.close()
    assert hub.count_listeners("t") == 1
    assert hub.publish("t", "alert") == 0
    assert hub.count_listeners() == 0
