"""The bounds of what a message may hold. What lies outside is refused before anything is done with it.

Numbers stay below 2⁵³, so that JSON readers of every kind and a database's BIGINT hold them exactly; texts hold no
control, bidirectional or surrogate characters, which no name has and PostgreSQL cannot store.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

MAX_DEPTH = 32
"""Objects and arrays within each other: our own messages nest four deep, and later versions may add fields."""
MAX_RECORDS = 2000
"""Records of one pack."""
MAX_ALARM_RECORDS = 16
"""Records of one message of the alarm lane, which carries one event with its details."""
MAX_ID = 63
"""Characters of the id of a gateway or device."""
MAX_QUANTITY = 40
MAX_NAME = MAX_ID + 1 + MAX_QUANTITY
MAX_TEXT = 500
"""Characters of a text value."""
LATEST_S = 4102444800.0
"""1 January 2100: a later time is not a time (milliseconds sent as seconds, most often)."""
LARGEST_COUNT = 2**53 - 1
LATEST_EPOCH = int(LATEST_S * 1000)
"""An epoch is the time at which a spool was made, Unix ms. Not bounded by the clock: a gateway whose clock was years
ahead when its spool was made keeps that epoch, and its alarms must count."""
LARGEST_NUMBER = 1e15
"""Of a quantity without a row, in its own unit."""

GatewayId = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
Count = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]
Number = Annotated[int, Meta(ge=1, le=LARGEST_COUNT)]
Epoch = Annotated[int, Meta(ge=0, le=LATEST_EPOCH)]
UnixTime = Annotated[float, Meta(ge=0, le=LATEST_S)]
Name = Annotated[str, Meta(max_length=MAX_NAME)]
Unit = Annotated[str, Meta(max_length=MAX_QUANTITY)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
ShortText = Annotated[str, Meta(max_length=MAX_ID)]

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string, or what begins as one and never ends: given up at its end, each of its quotes would be begun at anew."""
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def nests_too_deeply(raw: bytes) -> bool:
    """Return whether JSON nests deeper than `MAX_DEPTH`; linear in its length, and without recursion."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        within = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if within == brackets:
            break
        brackets = within
    unclosed = brackets.count(b"[") + brackets.count(b"{")
    return unclosed > MAX_DEPTH or b"[]" in brackets or b"{}" in brackets


def clean_text(text: str, most: int) -> str:
    """Return a text as every database and log can hold it: at most `most` characters, others than letters escaped."""
    kept = text[:most]
    if kept.isprintable():
        return kept
    escaped = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in kept)
    return escaped[:most]
