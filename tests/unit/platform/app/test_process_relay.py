"""The relay between processes: what nobody foresaw must not end its threads."""

from __future__ import annotations

import threading

import psycopg
import pytest

from anju_platform.app.process_relay import PostgresRelay
from anju_platform.web.hub import Hub


@pytest.mark.parametrize("error", [psycopg.OperationalError(""), ZeroDivisionError()])
def test_an_error_is_logged_and_the_connection_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr("anju_platform.app.process_relay._WAIT_S", 0.01)
    tried = threading.Semaphore(0)

    def connect(*_: object, **__: object) -> None:
        tried.release()
        raise error

    monkeypatch.setattr(psycopg, "connect", connect)
    relay = PostgresRelay("postgresql+psycopg://nobody@127.0.0.1/none", "one", Hub(), lambda _event: None)
    relay.start()
    for _ in range(6):
        assert tried.acquire(timeout=10), "both threads go on"
    relay.stop()
