"""The people whom messages are sent to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who can be notified; `login` and `community_id` name the Apprise addresses that reach them.

    family: a relative, who is told in other words than those who are to act.
    """

    account_id: UUID
    name: str
    login: str
    community_id: str | None = None
    locale: str = "zh"
    family: bool = False
