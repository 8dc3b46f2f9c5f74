from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from anju_cli.ports import free_port
from anju_sim.network import SimulatedNetwork
from anju_wire.fleet import BrokerAddress


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(1000):
            self.request.sendall(data)


@pytest.fixture
def far() -> Iterator[BrokerAddress]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield BrokerAddress("127.0.0.1", server.server_address[1])
        server.shutdown()


@pytest.fixture
def near() -> BrokerAddress:
    return BrokerAddress("127.0.0.1", free_port())


def _call(near: BrokerAddress) -> socket.socket:
    link = socket.create_connection((near.host, near.port), timeout=5)
    link.sendall(b"hello")
    assert link.recv(5) == b"hello"
    return link


def _ended(link: socket.socket) -> bool:
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_line_carries_breaks_refuses_and_comes_back(near: BrokerAddress, far: BrokerAddress) -> None:
    with SimulatedNetwork({"home-01": near}, far) as network:
        link = _call(near)
        network.cut_link("home-01")
        assert _ended(link)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((near.host, near.port), timeout=5)
        network.restore_link("home-01")
        _call(near).close()
        network.restore_link("home-01")


def test_a_silent_cut_holds_what_was_sent_until_it_is_restored(near: BrokerAddress, far: BrokerAddress) -> None:
    with SimulatedNetwork({"home-01": near}, far) as network:
        link = _call(near)
        network.cut_link("home-01", silent=True)
        link.settimeout(0.2)
        link.sendall(b"held")
        with pytest.raises(TimeoutError):
            link.recv(4)
        network.restore_link("home-01")
        link.settimeout(5)
        assert link.recv(4) == b"held"


def test_a_slow_line_is_slow_and_an_unknown_one_is_an_error(near: BrokerAddress, far: BrokerAddress) -> None:
    with SimulatedNetwork({"home-01": near}, far) as network:
        network.delay_link("home-01", 0.1)
        began = time.monotonic()
        _call(near).close()
        assert time.monotonic() - began > 0.15
        with pytest.raises(KeyError):
            network.cut_link("home-02")


def test_a_dead_district_ends_the_connection(near: BrokerAddress) -> None:
    dead = BrokerAddress("127.0.0.1", free_port())
    with SimulatedNetwork({"home-01": near}, dead), socket.create_connection((near.host, near.port), timeout=5) as link:
        assert _ended(link)
