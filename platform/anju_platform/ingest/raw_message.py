"""A message as it arrived, not decoded."""

from __future__ import annotations

from typing import NamedTuple

from anju_wire.vocabulary import Lane


class RawMessage(NamedTuple):
    """Topic and payload of one message; `arrived_s` is Unix time."""

    topic: str
    payload: bytes
    arrived_s: float


def home_of(topic: str) -> str:
    """Return the home in a topic, `anju/v1/<community>/<home>/<lane>`; of another topic what stands before its end.

    The broker lets a credential publish under its own home alone, but under any community, and what a message says in
    its payload proves nothing: the home's id is all that tells one sender from another.
    """
    return topic.rpartition("/")[0].rpartition("/")[2]


def is_status(topic: str) -> bool:
    """Return whether a topic is that of a gateway's status."""
    return topic.endswith(f"/{Lane.STATUS}")
