"""Topics of open pages: what is published on one reaches every page that follows it."""

from __future__ import annotations

from uuid import UUID

EVERY_COMMUNITY = "community:*"
"""Followed by pages that may see every community."""
ACCOUNT = "account:"
"""How the topics of people begin."""


def community_topic(community_id: str) -> str:
    """What happens in a community."""
    return f"community:{community_id}"


def home_topic(home_id: str) -> str:
    """What happens in a home."""
    return f"home:{home_id}"


def provider_topic(provider_id: str) -> str:
    """What concerns a provider of visits."""
    return f"provider:{provider_id}"


def account_topic(account_id: UUID | str) -> str:
    """What concerns a person."""
    return f"{ACCOUNT}{account_id}"
