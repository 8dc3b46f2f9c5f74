"""Several homes' gateways in one process: for the demo, and for a building that shares one machine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from anju_gateway.gateway import Gateway
from anju_gateway.settings import HomeSettings
from anju_wire.clock import Clock

MOST_HOMES = 100
"""Each home has three MQTT sessions of three descriptors each, and select() reaches to descriptor 1023."""
_WATCH_S = 1.0


class FleetTooLarge(ValueError):
    """More homes than one process can serve."""

    def __init__(self, homes: int) -> None:
        super().__init__(f"{homes} homes in one process; {MOST_HOMES} are the most")
        self.homes = homes


class GatewayDied(RuntimeError):
    """The thread of a gateway ended by itself; the log has the reason."""

    def __init__(self, homes: Sequence[str]) -> None:
        super().__init__(f"gateway died: {', '.join(homes)}")
        self.homes = tuple(homes)


class GatewayFleet:
    """Gateways that start and stop together. Raises `SpoolInUse` when one of the spools is taken."""

    def __init__(self, homes: Sequence[HomeSettings], clock: Clock) -> None:
        if len(homes) > MOST_HOMES:
            raise FleetTooLarge(len(homes))
        self._gateways: dict[str, Gateway] = {}
        try:
            buses = Counter((home.bus.host, home.bus.port) for home in homes)
            for home in homes:
                own_bus = buses[home.bus.host, home.bus.port] == 1
                self._gateways[home.home] = Gateway(home, clock, own_bus=own_bus)
        except BaseException:
            self.stop()
            raise

    def serve(self, stopping: threading.Event) -> None:
        """Run until `stopping` is set. Raises `GatewayDied` when a thread ends by itself; restart the process then."""
        try:
            for gateway in self._gateways.values():
                gateway.start()
            structlog.get_logger("anju.fleet").info("gateways ready", homes=len(self._gateways))
            while not stopping.wait(_WATCH_S):
                if dead := [home for home, gateway in self._gateways.items() if not gateway.alive]:
                    raise GatewayDied(dead)
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop all gateways, at the same time."""
        if self._gateways:
            with ThreadPoolExecutor(len(self._gateways)) as pool:
                list(pool.map(Gateway.stop, self._gateways.values()))
        self._gateways.clear()
