"""A message as it arrived, not decoded."""

from __future__ import annotations

from typing import NamedTuple


class RawMessage(NamedTuple):
    """Topic and payload of one message; `arrived_s` is Unix time."""

    topic: str
    payload: bytes
    arrived_s: float
