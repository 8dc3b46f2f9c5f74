"""Addresses as they are spoken."""

from __future__ import annotations

import re

from anju_platform.i18n.translation import N_, Words

_BUILDING, _UNIT, _ROOM = N_("%(n)s 号楼"), N_("%(n)s 单元"), N_("%(n)s 室")
_SPOKEN = re.compile(r"(\S+) (号楼|单元|室)(?=\s|$)")
_PATTERNS = {"号楼": _BUILDING, "单元": _UNIT, "室": _ROOM}


def address(words: Words, estate: str, building: str, unit: str, room: str) -> str:
    """An address as it is spoken: `春晖里 3 号楼 2 单元 501 室`; what already has its word keeps it."""

    def said(value: str, zh: str, pattern: str) -> str:
        bare = value.strip()
        if not bare or bare.endswith(tuple(zh)):
            return bare
        return words(pattern, n=bare)

    parts = (
        estate.strip(),
        said(building, "楼栋座幢", _BUILDING),
        said(unit, "单元门", _UNIT),
        said(room, "室号", _ROOM),
    )
    return " ".join(part for part in parts if part)


def translate_address(words: Words, spoken: str) -> str:
    """Return an address that is one text already, as `HomeRecord.spoken_address` gives it, in the reader's language."""
    return _SPOKEN.sub(lambda part: words(_PATTERNS[part[2]], n=part[1]), spoken)
