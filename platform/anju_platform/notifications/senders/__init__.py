"""Sends to an address of `ANJU_APPRISE`: the scheme of its URL chooses a sender of ours, or else Apprise."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import apprise

Sender = Callable[[str, str, str], bool]
"""Sends (url, subject, body) and blocks until the service has answered; False where it refused."""

SENDERS: tuple[str, ...] = ("file",)
"""Services that Apprise lacks: the scheme of their URLs, and the module of this package whose `send` is the sender."""


def send_message(url: str, subject: str, body: str) -> bool:
    """Send one message; False where the service refused it or the URL is of no kind that is known.

    May raise whatever a service's own code raises.
    """
    scheme = url.partition("://")[0].lower()
    if scheme in SENDERS:
        send: Sender = importlib.import_module(f"{__name__}.{scheme}").send
        return send(url, subject, body)
    service = apprise.Apprise()
    return bool(service.add(url)) and bool(service.notify(title=subject, body=body))
