"""Gives hostile messages: real ones with values, structure and bytes changed, from a seed that a failure names."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence

from fixtures._home_client import motion, press

from anju_wire.messages import MAX_MESSAGE_BYTES, Envelope, Record, Status, encode
from anju_wire.vocabulary import Lane

DEEP = "[" * 1500 + "]" * 1500
MARK = "<b>mk7q\"'&"
"""Put into texts: where a page shows it as it stands, what a home says could run in a worker's browser."""
RAW = "\x01raw:"
"""Marks a text that is put into the JSON as it stands."""
NASTY: tuple[object, ...] = (
    *(None, True, False, [], {}, "", 0, -1, 1, 0.5, -0.0, 1e-300, 1e300, -1e300),
    *(2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400, 4102444800000, 4102444801),
    *("\x00", "a\x00b", "\u202egnp", "\u200b", "\x1b[2J", "'; --", "%" * 400, "_#%", "x" * 64, "\U0010ffff"),
    *("²", "1" * 30, "suspected:" + "9" * 400, "fall:²", "seen:" + "z" * 450, "gw-home-02", "home-02"),
    *(f"confirmed:{MARK}", f"coming:{MARK}", f"{MARK}/sos", f"{MARK}/smoke", f"{MARK}/fall", f"wearable-1/{MARK}"),
    *(RAW + "NaN", RAW + "1e999", RAW + '"\\ud800"', RAW + "[" * 33 + "]" * 33, RAW + "[{}]" * 2),
)
HEAVY: tuple[object, ...] = (
    *("x" * 70_000, RAW + DEEP, RAW + '{"a":' * 1200 + "1" + "}" * 1200, RAW + "9" * 5000),
    *([{}] * 3000, {"v": [1] * 3000}),
)
"""Long ones, which are put in seldom: many of them would leave time for little else."""
BOUNDS = tuple(
    str(bound).encode()
    for bound in (
        *(-1, 0, 1, 16, 17, 100, 101, 1000, 1001, 2000, 2**28, 2**31, 2**32, 2**53 - 1, 2**53, 2**63 - 1, 2**63),
        *(
            4102444800,
            4102444801,
            "1e15",
            "1.1e15",
            "1e308",
            "1e309",
            "-1e15",
            "1e-320",
            "0.5",
            "-0.0",
            "true",
            "false",
        ),
    )
)
_NUMBER = re.compile(rb"(?<=:)(-?\d+(\.\d+)?|true|false)\b")
_FIELD = re.compile(rb'("\w{1,9}":)')
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

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)

    def mutate(self, payload: bytes, others: Sequence[bytes] = ()) -> bytes:
        """Return a message changed in one to three ways; now and then as it was.

        others: what a part of it may be replaced by a part of.
        """
        changes: list[Callable[[bytes], bytes]] = [
            *(self._value, self._value, self._value, self._bytes, self._flip, self._number, self._twice),
            lambda whole: self._splice(whole, others),
        ]
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 3))):
            payload = self.random.choice(changes)(payload)
        return payload

    def number(self, seq: int) -> tuple[int, int, int]:
        """Return epoch, seq and base of the message that would be number `seq`; now and then a game with them."""
        if self.random.random() < 0.9:
            return 1, seq, max(1, seq - self.random.randrange(40))
        far = self.random.choice((1, 2, seq - 1, seq + 1, seq + 64, seq * 2, 10**6, 2**31, 2**53 - 1, 2**53, 2**63))
        base = self.random.choice((1, far, far, far + 1, 0, -1, seq))
        return self.random.choice((1, 1, 0, 2, self.random.randrange(100), 4102444800000, 4102444800001)), far, base

    def topic(self, own: str, lane: Lane) -> str:
        """Return the topic of a lane below a home's own `anju/v1/<community>/<home>`, seldom a wrong one."""
        if self.random.random() < 0.97:
            return f"{own}/{lane}"
        wrong = (f"{own}/{lane}/x", f"{own}/", f"{own}/ack", f"anju/v1//{lane}", f"anju/v2/a/b/{lane}", f"x/{lane}")
        strange = "".join(
            self.random.choice("ab-\u5b89\0%_#+\u202e<\"'") for _ in range(self.random.choice((1, 5, 70, 300)))
        )
        named = (
            f"anju/v1/{strange}/home-01/{lane}",
            f"anju/v1/anning/{strange}/{lane}",
            f"anju/v1/anning/nowhere/{lane}",
        )
        return self.random.choice((*wrong, *named))

    def _value(self, payload: bytes) -> bytes:
        """Put a nasty value in the place of a field, or beside it under a name that nobody knows."""
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
        if self.random.random() < 0.15 and isinstance(place, dict):
            key = self.random.choice(("zz", "sent", "\x00", "x" * 5000))
        place[key] = self._strange(place[key] if key in place or isinstance(place, list) else None)
        return _dump(whole)

    def _strange(self, was: object) -> object:
        """Return a nasty value; of a text often the same with something in it that a page must not show as it is."""
        if isinstance(was, str) and self.random.random() < 0.5:
            head, slash, tail = was.partition("/")
            end = self.random.choice(("", str(self.random.randrange(10**6))))
            return self.random.choice((f"{head}{MARK}{end}{slash}{tail}", f"{head}{slash}{MARK}{end}", f"{was}{MARK}"))
        return self.random.choice(HEAVY if self.random.random() < 0.02 else NASTY)

    def _number(self, payload: bytes) -> bytes:
        """Put a number that stands at a boundary in the place of one, or of a truth."""
        found = list(_NUMBER.finditer(payload))
        if not found:
            return self._bytes(payload)
        place = self.random.choice(found)
        return payload[: place.start()] + self.random.choice(BOUNDS) + payload[place.end() :]

    def _twice(self, payload: bytes) -> bytes:
        """Say a key twice, with another value before or behind the true one."""
        found = list(_FIELD.finditer(payload))
        if not found:
            return self._bytes(payload)
        place = self.random.choice(found)
        double = place[1] + self.random.choice((*BOUNDS, b"null", b'"x"', b"[]", b"true")) + b","
        return payload[: place.start()] + double + payload[place.start() :]

    def _fill(self, most: int) -> bytes:
        """Return a few bytes again and again: what looks at each of them for the end of something never ends."""
        piece = b"".join(self.random.choices((*BYTES, b"[]", b'\\"', b'["', b" "), k=self.random.choice((1, 1, 2))))
        return b"[" * self.random.choice((0, 33)) + b'"' * self.random.choice((0, 1)) + piece * (most // len(piece))

    def _flip(self, payload: bytes) -> bytes:
        if not payload:
            return b"\xff"
        at = self.random.randrange(len(payload))
        return payload[:at] + bytes((payload[at] ^ (1 << self.random.randrange(8)),)) + payload[at + 1 :]

    def _splice(self, payload: bytes, others: Sequence[bytes]) -> bytes:
        other = self.random.choice(others) if others else payload
        return payload[: self.random.randrange(len(payload) + 1)] + other[self.random.randrange(len(other) + 1) :]

    def _bytes(self, payload: bytes) -> bytes:
        at = self.random.randrange(len(payload) + 1)
        if self.random.random() < 0.01:
            return payload[:at] + self._fill(MAX_MESSAGE_BYTES - at - 1)
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
