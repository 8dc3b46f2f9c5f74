"""Cuts off what a thread says to a service that never finishes its answer.

Libraries bound each read by a timeout, and none the whole: a server that sends a byte now and then holds a thread for
ever. Whatever the library is, it connects a socket, and CPython's audit event tells which thread does.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import threading
from typing import Any, Self


class ThreadSockets:
    """The sockets that a thread connects while it is in this context; any thread may cut them."""

    def __init__(self) -> None:
        self._found: list[tuple[int, int]] = []
        self._cut = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        _listen()
        _thread.sockets = self
        return self

    def __exit__(self, *_: object) -> None:
        _thread.sockets = None

    def note_connection(self, connected: socket.socket) -> None:
        """Remember a socket; raises `TimeoutError` after `cut`, so that nothing is connected any more."""
        with self._lock:
            if self._cut:
                raise TimeoutError
            number = connected.fileno()
            self._found.append((number, os.fstat(number).st_ino))

    def cut(self) -> None:
        """Shut the sockets down: a read or write of the thread on them ends with an error."""
        with self._lock:
            self._cut = True
            for number, identity in self._found:
                with contextlib.suppress(OSError):  # closed long since
                    _shut_down(number, identity)


def _shut_down(number: int, identity: int) -> None:
    """Shut a socket down if its descriptor still means the same; a duplicate can change its meaning no more."""
    duplicate = os.dup(number)
    try:
        found = os.fstat(duplicate)
        if not stat.S_ISSOCK(found.st_mode) or found.st_ino != identity:
            return
        same = socket.socket(fileno=duplicate)  # refuses what is no socket, and leaves it open
        try:
            same.shutdown(socket.SHUT_RDWR)
        finally:
            same.detach()
    finally:
        os.close(duplicate)


_thread = threading.local()
_listening = threading.Event()


def _listen() -> None:
    if not _listening.is_set():
        _listening.set()
        sys.addaudithook(_hear)


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        sockets: ThreadSockets | None = getattr(_thread, "sockets", None)
        if sockets is not None:
            sockets.note_connection(args[0])
