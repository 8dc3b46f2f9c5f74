"""Sends to an address of `ANJU_APPRISE`: the scheme of its URL chooses a sender of ours, or else Apprise."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import apprise

Sender = Callable[[str, str, str], bool]
"""Sends (url, subject, body) and blocks until the service has answered; False where it refused."""

SENDERS: tuple[str, ...] = ("file", "dingtalk", "feishu", "lark", "wecombot")
"""Services that Apprise lacks, or of whose answers it reads the status alone: the scheme of their URLs, and the module
of this package whose `send` is the sender."""


def send_message(url: str, subject: str, body: str) -> bool:
    """Send one message; False where the service refused it or the URL is of no kind that is known.

    May raise whatever a service's own code raises.
    """
    send = find_sender(url)
    return send is not None and send(url, subject, body)


def find_sender(url: str) -> Sender | None:
    """Return what sends to a URL; None for one of no kind that is known. The first time it loads Apprise's services."""
    scheme = url.partition("://")[0].lower()
    if scheme in SENDERS:
        return _find_own(scheme)
    # Apprise would send from threads of its own, which all addresses share: one that hangs must hold up no other.
    service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, service_timeout=0))
    if not service.add(url):
        return None
    known_as = str(getattr(service[0], "secure_protocol", ""))  # a robot's own `https://` address is its robot's, too
    if known_as in SENDERS:
        return _find_own(known_as)
    return lambda _url, subject, body: bool(service.notify(title=subject, body=body))


def _find_own(scheme: str) -> Sender:
    send: Sender = importlib.import_module(f"{__name__}.{scheme}").send
    return send
