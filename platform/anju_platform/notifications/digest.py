"""Tells a flood of alike messages to one address as one message: how many, the first of them, and where the rest is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from anju_platform.i18n.translation import Words
from anju_platform.notifications.channels import OutboundMessage

GROUP_FROM = 5
"""So many alike messages that are due to one address together are told as one."""
GATHER_S = 30.0
"""Where `GROUP_FROM` alike messages went to an address within twice this time, s, others wait for each other."""
MOST_GROUPED = 500
LISTED = 10
"""Messages of a group whose subjects are listed."""
SETTLE_S = 0.1
"""Time added to the lease of a group for each message in it, s: each is settled by itself."""
HEADING, LOCALE = "heading", "locale"
"""Keys of a payload: what messages may be told as one, and in which language."""


class DigestWriter:
    """Writes one message for many.

    words: the translations by locale. board_url: where people see them all; empty: no link.
    """

    def __init__(self, words: Mapping[str, Words], board_url: str = "") -> None:
        self._words = dict(words)
        self._board_url = board_url

    def join_messages(self, messages: Sequence[OutboundMessage]) -> OutboundMessage:
        """Return one message that stands for all of them, the first among them first; a single one as it is."""
        if len(messages) == 1:
            return messages[0]
        first, words = messages[0], self._words.get(str(messages[0].payload.get(LOCALE)), self._words["zh"])
        subjects = list({_about(one): one.subject for one in messages}.values())
        heading = first.payload[HEADING]
        lines = subjects[:LISTED]
        if len(subjects) > LISTED:
            lines.append(words.counted("另有 %(n)s 户", len(subjects) - LISTED))
        if self._board_url:
            lines.append(words("全部见值守台：%(link)s", link=self._board_url))
        return replace(
            first,
            subject=words.counted("【%(kind)s】共 %(n)s 户", len(subjects), kind=heading),
            body="\n".join(lines),
            others=tuple(replace(one, others=()) for one in messages[1:]),
        )


def _about(message: OutboundMessage) -> UUID:
    """What a message counts as in a group: an alert that is told again counts once."""
    return message.alert_id or message.id
