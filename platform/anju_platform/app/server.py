"""Serves the app over HTTP until the process is told to stop."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from anju_platform.app import process
from anju_platform.app.http import create_app
from anju_platform.settings import Settings
from anju_platform.web import logs
from anju_platform.web.connections import ConnectionLimits, guarded_protocol
from anju_platform.web.hub import Hub

if TYPE_CHECKING:
    from anju_platform.app.platform import Platform

_LAST_REQUESTS_S = 5


class Server(uvicorn.Server):
    """uvicorn that ends open event streams first: they would hold up a stop for ever."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Close the open event streams on a signal, then let uvicorn stop."""
        self._hub.close()
        super().handle_exit(sig, frame)


def run(settings: Settings, platform: Platform) -> None:
    """Start the platform, serve until SIGTERM or SIGINT, and stop it again."""
    logs.configure()
    for each in (signal.SIGTERM, signal.SIGINT):
        # uvicorn hands a signal on once it has stopped serving: the platform is then left in order.
        signal.signal(each, _leave)
    config = uvicorn.Config(
        create_app(platform, platform.metrics),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=guarded_protocol(ConnectionLimits(proxies=settings.trusted_proxies)),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=_LAST_REQUESTS_S,
    )
    with platform, process.settled():
        Server(config, platform.hub).run()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
