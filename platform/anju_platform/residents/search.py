"""Parses what people type to find a resident: a name, its pinyin, an estate, a building or a room."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACE = re.compile(r"(?P<number>[0-9a-z]+)\s*(?P<word>号?楼|栋|幢|座|单元|室)")


@dataclass(frozen=True, slots=True)
class Query:
    """A search. Empty fields ask for nothing; `text` is matched against names, pinyin and estates."""

    text: str = ""
    building: str = ""
    unit: str = ""
    room: str = ""

    @property
    def is_number(self) -> bool:
        """Tell whether the text is a bare number: then a building or a room is meant."""
        return self.text.isdecimal()


def parse(text: str) -> Query:
    """Parse a search such as `王桂兰`, `wgl`, `春晖里 3号楼 2单元 501室`, `3-2-501` or `501`."""
    rest = text.strip().casefold()[:100]
    dashed = re.fullmatch(r"(\w+)-(\w+)-(\w+)", rest, re.ASCII)
    if dashed:
        return Query("", *dashed.groups())
    found = {"building": "", "unit": "", "room": ""}

    def keep_number(match: re.Match[str]) -> str:
        word = match["word"]
        found["unit" if word == "单元" else "room" if word == "室" else "building"] = match["number"]
        return " "

    rest = _PLACE.sub(keep_number, rest)
    return Query(re.sub(r"\s+", "", rest), **found)
