"""The words within a name or a value of a device: `waterLeak_2` is `water` and `leak`."""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATOR = re.compile(r"[^0-9A-Za-z\u4e00-\u9fff]+")
_GANG = re.compile(r"\d+|[lr]\d+|ch\d+")
_COUNTED = re.compile(r"([a-z]{3,}?)\d+")
_LONGEST = 120

_COMPOUNDS = {
    "waterleak": ("water", "leak"),
    "waterleakage": ("water", "leak"),
    "watersensor": ("water", "sensor"),
    "gasleak": ("gas", "leak"),
    "gasalarm": ("gas", "alarm"),
    "smokealarm": ("smoke", "alarm"),
    "smokedetected": ("smoke", "detected"),
    "firealarm": ("fire", "alarm"),
    "carbonmonoxide": ("carbon", "monoxide"),
    "falldown": ("fall", "down"),
    "falldetected": ("fall", "detected"),
    "lowbattery": ("low", "battery"),
    "batterylow": ("battery", "low"),
    "selftest": ("self", "test"),
    "noalarm": ("no", "alarm"),
    "unoccupied": ("no", "occupied"),
    "undetected": ("no", "detected"),
    "longpress": ("long", "press"),
    "sosbutton": ("sos", "button"),
    "panicbutton": ("panic", "button"),
}


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a name or value in lower case, without the numbers of gangs, probes and zones."""
    found: list[str] = []
    for part in _SEPARATOR.split(_BOUNDARY.sub("_", text[:_LONGEST])):
        word = part.lower()
        if not word or _GANG.fullmatch(word):
            continue
        counted = _COUNTED.fullmatch(word)
        word = counted[1] if counted else word
        found += _COMPOUNDS.get(word, (word,))
    return tuple(found)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a table."""
    return frozenset(text.split())
