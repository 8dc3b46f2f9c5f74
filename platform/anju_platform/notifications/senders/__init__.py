"""Sends to an address of `ANJU_APPRISE`: the scheme of its URL chooses a sender of ours, or else Apprise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import apprise

from anju_platform.notifications.senders import file

Sender = Callable[[str, str, str], bool]
"""Sends (url, subject, body) and blocks until the service has answered; False where it refused."""

SENDERS: Mapping[str, Sender] = {
    "file": file.append_message,
}
"""Services that Apprise lacks, by the scheme of their URL."""


def send_message(url: str, subject: str, body: str) -> bool:
    """Send one message; False where the service refused it or the URL is of no kind that is known.

    May raise whatever a service's own code raises.
    """
    sender = SENDERS.get(url.partition("://")[0].lower())
    if sender is not None:
        return sender(url, subject, body)
    service = apprise.Apprise()
    return bool(service.add(url)) and bool(service.notify(title=subject, body=body))
