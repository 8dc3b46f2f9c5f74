"""Whom a message is for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who can be told; `login` and `community_id` name the Apprise addresses that reach them."""

    account_id: UUID
    name: str
    login: str
    community_id: str | None = None
    locale: str = "zh"
