"""Gives hostile messages: real ones with values, structure and bytes changed, from a seed that a failure names."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from fixtures._home_client import motion, press

from anju_wire.messages import Envelope, Record, Status, encode

DEEP = "[" * 1500 + "]" * 1500
RAW = "\x01raw:"
"""Marks a text that is put into the JSON as it stands."""
NASTY: tuple[object, ...] = (
    *(None, True, False, [], {}, "", 0, -1, 1, 0.5, -0.0, 1e-300, 1e300, -1e300),
    *(2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400, 4102444800000, 4102444801),
    *(
        "\x00",
        "a\x00b",
        "\u202egnp",
        "\u200b",
        "\x1b[2J",
        "'; --",
        "%" * 400,
        "_#%",
        "x" * 64,
        "x" * 70_000,
        "\U0010ffff",
    ),
    *("²", "1" * 30, "suspected:" + "9" * 400, "fall:²", "seen:" + "z" * 450, "gw-home-02", "home-02"),
    *(RAW + DEEP, RAW + '{"a":' * 1200 + "1" + "}" * 1200, RAW + "NaN", RAW + "1e999", RAW + "9" * 5000),
    *(RAW + '"\\ud800"', RAW + "[" * 33 + "]" * 33, RAW + "[{}]" * 2, [{}] * 3000, {"v": [1] * 3000}),
)
BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"{",
    b"}",
    b"[",
    b'"',
    b"\\",
    b",",
    b'"seq":7,',
    b'"gateway":"gw-home-02",',
)


def seeds(gateway: str, at_s: float) -> list[bytes]:
    """Return honest messages of every kind that a home sends."""
    packs = (
        [press(at_s)],
        [Record(n="button-sos/sos_cancel", t=at_s, vb=True)],
        [
            Record(n="wearable-1/fall", t=at_s, vs="suspected:1790000000000"),
            Record(n="wearable-1/fall_score", t=at_s, v=0.9),
        ],
        [Record(n=f"{gateway}/announced", t=at_s, vs="heard:1")],
        [Record(n="smoke-kitchen/smoke", t=at_s, vb=True), Record(n="leak-bathroom/water_leak", t=at_s, vb=True)],
        [motion(at_s), motion(at_s - 5, on=False), Record(n="motion-living/battery", u="%EL", t=at_s, v=80.0)],
        [Record(bn="motion-living/", bt=at_s, n="temperature", v=21.0), Record(n="humidity", t=-1.0, v=40.0)],
        [Record(n=f"{gateway}/heartbeat", u="s", t=at_s, v=60.0), Record(n="stranger/weight", t=at_s, v=3.0)],
        [
            Record(n="wearable-1/sample_rate", u="Hz", t=at_s, v=50.0),
            Record(n="wearable-1/acceleration", t=at_s, vd="AAEC" * 100),
        ],
    )
    messages = [
        encode(Envelope(gateway=gateway, epoch=1, seq=number, base=1, sent=at_s, pack=pack))
        for number, pack in enumerate(packs, 1)
    ]
    return [*messages, encode(Status(gateway=gateway, online=True, at=at_s, epoch=1, spooled={"alarm": 1}))]


class Mutator:
    """Changes messages at random; the same seed gives the same messages."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def mutate(self, payload: bytes) -> bytes:
        """Return a message changed in one to three ways; now and then as it was."""
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 3))):
            change: Callable[[bytes], bytes] = self.random.choice((self._value, self._value, self._value, self._bytes))
            payload = change(payload)
        return payload

    def _value(self, payload: bytes) -> bytes:
        """Put a nasty value in the place of a field, or beside it under a name that nobody knows, or twice."""
        try:
            whole = json.loads(payload)
        except (ValueError, RecursionError):
            return self._bytes(payload)
        place = whole
        while isinstance(place, dict | list) and place:
            key = self.random.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], dict | list) or not place[key] or self.random.random() < 0.2:
                break
            place = place[key]
        else:
            return payload
        value = self.random.choice(NASTY)
        if self.random.random() < 0.15 and isinstance(place, dict):
            key = self.random.choice(("zz", "sent", "\x00", "x" * 5000))
        place[key] = value
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and isinstance(place, dict)
            and key in {"seq", "base"}
        ):
            place["base"] = place["seq"] = value
        return _dump(whole)

    def _bytes(self, payload: bytes) -> bytes:
        at = self.random.randrange(len(payload) + 1)
        what = self.random.random()
        if what < 0.3:
            return payload[:at]
        if what < 0.6:
            return payload[:at] + self.random.choice(BYTES) + payload[at:]
        if what < 0.8:
            return payload[:at] + self.random.randbytes(3) + payload[at + 3 :]
        return payload[: at // 2] + payload[at:]


def _dump(whole: object) -> bytes:
    text = json.dumps(whole)
    marker = json.dumps(RAW)[:-1]
    while (start := text.find(marker)) >= 0:
        raw, length = json.JSONDecoder().raw_decode(text[start:])
        text = text[:start] + raw.removeprefix(RAW) + text[start + length :]
    return text.encode()
