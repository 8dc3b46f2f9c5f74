"""A pack is read record by record: a bad record, or one with an impossible time, costs only itself."""

from __future__ import annotations

import json

import pytest

from anju_wire.bounds import MAX_RECORDS
from anju_wire.loose_packs import LONGEST_SPREAD_S, LoosePack, decode_loosely, resolve_loosely
from anju_wire.messages import MAX_MESSAGE_BYTES, InvalidMessage

NOW_S = 1_790_000_000.0
MOTION = {"n": "motion-living/occupancy", "t": NOW_S, "vb": True}


def envelope(*pack: object, **changes: object) -> bytes:
    whole: dict[str, object] = {"gateway": "gw-1", "epoch": 1, "seq": 7, "base": 1, "sent": NOW_S, "pack": list(pack)}
    return json.dumps(whole | changes).encode()


def resolved(*pack: object, offset_s: float = 0.0) -> LoosePack:
    found = decode_loosely(envelope(*pack))
    return resolve_loosely(found.pack, offset_s=offset_s, arrived_s=NOW_S, latest_s=NOW_S + 120)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        envelope(MOTION, seq="seven"),
        envelope(MOTION, pack="none"),
        envelope(*[{}] * (MAX_RECORDS + 1)),
        envelope("[" * 40 + "]" * 40).replace(b'"[', b"[").replace(b']"', b"]"),
        envelope("x" * MAX_MESSAGE_BYTES),
    ],
)
def test_an_envelope_that_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidMessage):
        decode_loosely(payload)


def test_a_record_that_is_no_text_costs_only_itself() -> None:
    payload = envelope(MOTION, MOTION).replace(b"motion", b"\xff\xfe", 1)
    found = resolve_loosely(decode_loosely(payload).pack, offset_s=0.0, arrived_s=NOW_S, latest_s=NOW_S)
    assert (len(found.readings), [fault.path for fault in found.faults]) == (1, ["$.pack[0]"])


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"n": "t/temperature", "t": NOW_S, "vb": True}, "$.pack[1].v"),
        ({"n": "t/temperature", "t": NOW_S, "v": 900.0}, "$.pack[1].v"),
        ({"n": "nameless", "t": NOW_S, "v": 1.0}, "$.pack[1].n"),
        ({"n": "t/temperature", "t": "now", "v": 20}, "$.pack[1]"),
        (7, "$.pack[1]"),
    ],
)
def test_a_bad_record_costs_only_itself_and_is_named(bad: object, path: str) -> None:
    found = resolved(MOTION, bad, MOTION | {"t": NOW_S + 1})
    assert [one.at_s - NOW_S for one in found.readings] == [0, 1]
    assert [fault.path for fault in found.faults] == [path]
    assert found.undated == []


@pytest.mark.parametrize("base", [{"bn": 7}, {"bt": "then"}])
def test_without_its_base_a_pack_means_nothing(base: dict[str, object]) -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.pack\[0\]"):
        resolved(base, MOTION)


def test_base_fields_and_a_wrong_clock_are_counted_in() -> None:
    pack = [{"bn": "a/", "bt": NOW_S - 60, "n": "occupancy", "vb": True}, {"n": "occupancy", "t": 5, "vb": False}]
    found = resolved(*pack, offset_s=10.0)
    assert [(one.device, one.at_s - NOW_S, one.truth) for one in found.readings] == [
        ("a", -50, True),
        ("a", -45, False),
    ]


def test_what_has_no_time_that_can_be_comes_at_its_arrival_in_its_order() -> None:
    times = (60.0, 75.0, NOW_S + 121, 1e308)
    found = resolved(MOTION, *(MOTION | {"t": at_s} for at_s in times), {"bt": 1e308, **MOTION, "t": 1e308})
    assert [one.at_s for one in found.readings] == [NOW_S]
    assert [NOW_S - one.at_s for one in found.undated] == [LONGEST_SPREAD_S] * 3 + [0.0]
    assert found.faults == []
