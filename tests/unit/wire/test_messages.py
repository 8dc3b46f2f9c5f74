"""Every message comes back as it was sent, and what cannot be read is refused with the place of the error."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_wire.bounds import LARGEST_COUNT, LATEST_EPOCH, LATEST_S, MAX_ID
from anju_wire.messages import (
    MAX_MESSAGE_BYTES,
    Ack,
    Command,
    Envelope,
    Header,
    InvalidMessage,
    PlatformStatus,
    Record,
    Refusal,
    RefusedKey,
    Status,
    decode,
    decode_plain,
    encode,
)
from anju_wire.vocabulary import SPOOLED_LANES, Announcement

texts = st.text(st.characters(codec="utf-8"), max_size=40)
names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=MAX_ID)
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.floats(0, LATEST_S)
counts = st.integers(0, LARGEST_COUNT)
epochs, sequence = st.integers(0, LATEST_EPOCH), st.integers(1, LARGEST_COUNT)
records = st.builds(
    Record,
    bn=st.none() | texts,
    bt=st.none() | numbers,
    n=texts,
    u=st.none() | texts,
    v=st.none() | numbers,
    vs=st.none() | texts,
    vb=st.none() | st.booleans(),
    vd=st.none() | texts,
    t=numbers,
)
MESSAGES: dict[type[msgspec.Struct], st.SearchStrategy[Any]] = {
    Envelope: st.builds(
        Envelope,
        gateway=names,
        epoch=epochs,
        seq=sequence,
        base=sequence,
        sent=times,
        pack=st.lists(records, max_size=8),
    ),
    Header: st.builds(Header, gateway=names, epoch=epochs, seq=sequence, base=sequence),
    Ack: st.builds(
        Ack,
        epoch=counts,
        lane=st.sampled_from(SPOOLED_LANES),
        upto=counts,
        refused=st.lists(st.builds(Refusal, seq=counts, path=texts, reason=texts), max_size=3),
    ),
    Status: st.builds(
        Status,
        gateway=names,
        online=st.booleans(),
        at=times,
        epoch=epochs,
        version=st.just("") | names,
        spooled=st.dictionaries(names, counts, max_size=3),
        dropped=counts,
        refused=counts,
        refused_keys=st.lists(st.builds(RefusedKey, device=names, key=names, count=counts, why=names), max_size=3),
    ),
    PlatformStatus: st.builds(PlatformStatus, online=st.booleans(), at=numbers),
    Command: st.builds(
        Command,
        id=texts,
        announce=st.sampled_from(Announcement),
        zh=texts,
        en=texts,
        at=numbers,
        expires=numbers,
        alert=st.none() | texts,
    ),
}
any_message = st.one_of(*MESSAGES.values())
ENVELOPE = {
    "gateway": "gw-1",
    "epoch": 1,
    "seq": 1,
    "base": 1,
    "sent": 1.7e9,
    "pack": [{"n": "door/contact", "vb": True}],
}


@given(any_message)
def test_a_message_comes_back_as_it_was_sent(message: msgspec.Struct) -> None:
    assert decode(type(message), encode(message)) == message


@given(any_message, st.dictionaries(st.text("xyz", min_size=4), st.none() | st.integers() | texts, max_size=3))
def test_unknown_fields_are_passed_over(message: msgspec.Struct, unknown: dict[str, object]) -> None:
    widened = json.dumps({**json.loads(encode(message)), **unknown}).encode()
    assert decode(type(message), widened) == message


@given(st.binary(max_size=200), st.sampled_from(list(MESSAGES)))
def test_any_bytes_are_read_or_refused(raw: bytes, kind: type[msgspec.Struct]) -> None:
    try:
        decode(kind, raw)
    except InvalidMessage as error:
        refused = error
    else:
        return
    assert refused.path.startswith("$")
    assert refused.reason


@given(MESSAGES[Envelope])
def test_a_header_reads_the_number_of_any_envelope(envelope: Envelope) -> None:
    header = decode(Header, encode(envelope))
    assert (header.gateway, header.epoch, header.seq, header.base) == (
        envelope.gateway,
        envelope.epoch,
        envelope.seq,
        envelope.base,
    )


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"seq": "1"}, "$.seq"),
        ({"seq": 1.5}, "$.seq"),
        ({"epoch": None}, "$.epoch"),
        ({"gateway": 7}, "$.gateway"),
        ({"sent": "now"}, "$.sent"),
        ({"pack": {}}, "$.pack"),
        ({"pack": [{}, {"v": "21"}]}, "$.pack[1].v"),
        ({"pack": [{"vb": 1}]}, "$.pack[0].vb"),
        ({"pack": [{"t": "yesterday"}]}, "$.pack[0].t"),
        ({"pack": [{"vs": ["a"]}]}, "$.pack[0].vs"),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(change: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        decode(Envelope, json.dumps({**ENVELOPE, **change}).encode())
    assert refusal.value.path == path
    assert path in str(refusal.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidMessage, match="missing required field `seq`"):
        decode(Envelope, json.dumps({k: v for k, v in ENVELOPE.items() if k != "seq"}).encode())


def test_an_unknown_announcement_is_refused() -> None:
    command = {"id": "1", "announce": "sing", "zh": "", "en": "", "at": 0.0, "expires": 1.0}
    with pytest.raises(InvalidMessage) as refusal:
        decode(Command, json.dumps(command).encode())
    assert refusal.value.path == "$.announce"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(word: str) -> None:
    raw = json.dumps(ENVELOPE).replace("true", "null").replace("1700000000.0", word).encode()
    with pytest.raises(InvalidMessage):
        decode(Envelope, raw)


def test_a_nan_never_reaches_the_wire_as_a_number() -> None:
    raw = encode(Record(n="bath/temperature", v=math.nan))
    assert json.loads(raw) == {"n": "bath/temperature", "v": None}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe{}", b'{"gateway": "\xff"}', b"[" * 100_000]
)
def test_malformed_json_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidMessage):
        decode(Envelope, raw)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [b'\\"', b'"', b'["', b'{"\\', b"[]", b"[", b"\\", b'""['])
def test_the_longest_message_is_read_in_one_pass_whatever_it_repeats(piece: bytes) -> None:
    raw = b"[" * 33 + b'"' + piece * ((MAX_MESSAGE_BYTES - 40) // len(piece))
    for kind in MESSAGES:
        with pytest.raises(InvalidMessage):
            decode(kind, raw)


def test_ten_megabytes_are_refused_unread() -> None:
    with pytest.raises(InvalidMessage, match="10485760 bytes"):
        decode(Envelope, b" " * (10 * 1024 * 1024))


def test_the_longest_message_is_still_read() -> None:
    raw = encode(Record(n="x/y", vs=""))
    assert decode_padded(raw + b" " * (MAX_MESSAGE_BYTES - len(raw))) == 1


def decode_padded(raw: bytes) -> int:
    padded = json.dumps(ENVELOPE).encode()
    return len(decode(Envelope, padded + b" " * (len(raw) - len(padded))).pack)


def plain(*records: dict[str, object]) -> bytes:
    return json.dumps({"gateway": "g", "epoch": 1, "seq": 7, "base": 1, "sent": 9.5, "pack": records}).encode()


def test_a_plain_pack_is_read_as_the_general_form_reads_it() -> None:
    raw = plain({"n": "door/contact", "vb": True, "t": 5.0}, {"n": "door/battery", "u": "%EL", "v": 3, "t": 6.0})
    quick, general = decode_plain(raw), decode(Envelope, raw)
    assert quick is not None
    assert (quick.gateway, quick.epoch, quick.seq, quick.base, quick.sent) == ("g", 1, 7, 1, 9.5)
    assert [(one.n, one.u, one.vb, one.t) for one in quick.pack] == [(r.n, r.u, r.vb, r.t) for r in general.pack]
    assert math.isnan(quick.pack[0].v)
    assert quick.pack[1].v == 3.0


@pytest.mark.parametrize(
    "raw",
    [
        plain({"bn": "door/", "n": "contact", "vb": True, "t": 5.0}),
        plain({"n": "door/fall", "vs": "confirmed:f-1", "t": 5.0}),
        plain({"n": "door/contact", "vb": True}),
        plain({"n": "door/contact", "vb": 1, "t": 5.0}),
        plain({"n": "door/battery", "v": "full", "t": 5.0}),
        b"{",
        b'{"gateway":"\xff"}',
        plain() + b" " * MAX_MESSAGE_BYTES,
    ],
)
def test_what_is_not_plain_is_left_to_the_general_form(raw: bytes) -> None:
    assert decode_plain(raw) is None


@pytest.mark.parametrize("names", [("sensor_bus_down", "sensor_bus_down_since"), ("deaf", "deaf_since")])
def test_a_status_of_this_version_and_of_the_one_before_say_the_same(names: tuple[str, str]) -> None:
    said = {"gateway": "gw", "online": True, "at": 2.0, names[0]: "bus", names[1]: 1.0}
    status = decode(Status, json.dumps(said).encode())
    assert (status.sensor_bus_down, status.sensor_bus_down_since) == ("bus", 1.0)
    again = json.loads(encode(status))
    assert (again["sensor_bus_down"], again["deaf"]) == ("bus", "bus")
    assert (again["sensor_bus_down_since"], again["deaf_since"]) == (1.0, 1.0)


def test_a_command_of_the_version_before_has_words_and_no_key() -> None:
    said = {"id": "1", "announce": "coming", "zh": "王姐看到了", "en": "seen", "at": 0.0, "expires": 1.0}
    command = decode(Command, json.dumps(said).encode())
    assert (command.key, command.facts, command.zh) == ("", {}, "王姐看到了")
