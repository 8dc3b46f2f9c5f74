"""A server that never finishes its answer is cut off, and its thread ends."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fixtures.alert_harness import AlertHarness, build_alert_harness

from anju_core.vocabulary import Channel
from anju_platform.notifications.channels import AppriseChannel
from anju_platform.notifications.senders import send_message
from anju_platform.notifications.sends import CUT_S
from anju_platform.notifications.thread_sockets import ThreadSockets
from anju_platform.notifications.threads import DaemonThreads

PATIENCE_S = 20.0


@contextmanager
def trickling_server(head: bytes) -> Iterator[tuple[int, threading.Event]]:
    """A server that says `head` and then a byte each 50 ms; its port, and an event set once it drips."""
    dripping, over = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not over.is_set():
            try:
                asked, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(asked,), daemon=True).start()

    def drip(asked: socket.socket) -> None:
        with asked:
            try:
                asked.recv(65536)
                asked.sendall(head)
                while not over.wait(0.05):
                    asked.sendall(b"x")
                    dripping.set()
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], dripping
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


HEADS = pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"])


@HEADS
def test_a_thread_that_reads_for_ever_ends_when_its_sockets_are_cut(head: bytes) -> None:
    sockets, ended = ThreadSockets(), threading.Event()
    with trickling_server(head) as (port, dripping):

        def send() -> None:
            with sockets:
                send_message(f"json://127.0.0.1:{port}/", "s", "b")
            ended.set()

        threading.Thread(target=send, daemon=True).start()
        assert dripping.wait(PATIENCE_S)
        assert not ended.is_set()
        sockets.cut()
        assert ended.wait(PATIENCE_S)


def test_after_the_cut_nothing_is_connected_and_other_threads_are_not_touched() -> None:
    sockets = ThreadSockets()
    with socket.create_server(("127.0.0.1", 0)) as listener, sockets:
        sockets.cut()
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname())
        others: list[Any] = []
        other = threading.Thread(target=lambda: others.append(socket.create_connection(listener.getsockname())))
        other.start()
        other.join()
        assert len(others) == 1
        others[0].close()


def test_a_descriptor_that_means_something_else_by_now_is_left_alone() -> None:
    sockets = ThreadSockets()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with sockets:
            first = socket.create_connection(listener.getsockname())
        number = first.fileno()
        first.close()
        second = socket.create_connection(listener.getsockname())
        assert second.fileno() == number, "the case that matters"
        sockets.cut()
        second.sendall(b"still here")
        second.close()


def test_a_cut_after_the_thread_has_closed_its_sockets_does_nothing() -> None:
    sockets = ThreadSockets()
    with socket.create_server(("127.0.0.1", 0)) as listener, sockets:
        first, second = (socket.create_connection(listener.getsockname()) for _ in range(2))
        first.close()
        sockets.cut()
        assert second.recv(1) == b"", "the one that is open is shut down"
        second.close()


def test_a_cut_leaves_no_descriptor_open_where_a_file_has_the_number_of_a_socket(tmp_path: Path) -> None:
    sockets = ThreadSockets()
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with sockets:
            first = socket.create_connection(listener.getsockname())
        number = first.fileno()
        first.close()
        with (tmp_path / "file").open() as file:
            assert file.fileno() == number, "the case that matters"
            before = os.dup(number)  # the lowest number that is free
            os.close(before)
            for _ in range(3):
                sockets.cut()
            after = os.dup(number)
            os.close(after)
    assert after == before


@HEADS
def test_a_trickling_address_costs_a_try_and_no_thread(sqlite_url: str, head: bytes) -> None:
    harness, engine = build_alert_harness(sqlite_url, addresses=("wang",))
    threads = _Noting()
    with trickling_server(head) as (port, dripping):
        channels = {Channel.APPRISE: AppriseChannel({"wang": f"json://127.0.0.1:{port}/"})}
        worker = harness.make_worker(channels, threads)
        harness.raise_alert()
        worker.deliver_due(harness.clock.now())
        assert dripping.wait(PATIENCE_S)
        worker.deliver_due(harness.clock.forward(CUT_S))
        threads.futures[0].result(PATIENCE_S)
        (row,) = _service_rows(harness)
        assert (row.state, row.tries, row.error) == ("pending", 1, "no answer within 15 s")
    engine.dispose()


class _Noting(DaemonThreads):
    def __init__(self) -> None:
        self.futures: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        self.futures.append(super().submit(fn, *args, **kwargs))
        return self.futures[-1]


def _service_rows(harness: AlertHarness) -> list[Any]:
    return [row for row in harness.messages(Channel.APPRISE) if row.address == "wang"]
