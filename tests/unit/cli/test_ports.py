"""Ports for servers that are started later."""

from __future__ import annotations

import socket

import pytest

from anju_cli import ports


def test_ports_differ_are_free_and_are_none_that_systems_give_away() -> None:
    found = ports.free_ports(50)
    assert len(set(found)) == 50
    assert all(ports.LOWEST <= port < ports.HIGHEST for port in found)
    for port in found:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ports.free_port()
    monkeypatch.setattr(ports.secrets, "randbelow", lambda _most: wanted - ports.LOWEST)
    with socket.socket() as server:
        server.bind(("127.0.0.1", wanted))
        server.listen()
        assert ports.free_port() != wanted
        assert ports.next_free_port(wanted) > wanted
    assert ports.next_free_port(wanted) == wanted


def test_where_there_are_too_few_it_says_so() -> None:
    with pytest.raises(OSError, match=r"of 99999 ports"):
        ports.free_ports(99_999)
