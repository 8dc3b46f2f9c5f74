"""Base fields are applied as RFC 8428 says, and a record that cannot mean anything is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_wire import senml
from anju_wire.bounds import LATEST_S, MAX_ID, MAX_QUANTITY
from anju_wire.messages import InvalidMessage, Record
from anju_wire.profiles import QUANTITIES, Field, Quantity
from anju_wire.senml import EARLIEST_S, Resolved, from_base64, resolve, to_base64

T = 1_750_000_000.0
VALUES: dict[Field, dict[str, Any]] = {
    Field.NUMBER: {"v": 1.0},
    Field.TEXT: {"vs": "a"},
    Field.TRUTH: {"vb": False},
    Field.DATA: {"vd": "AAEC"},
}
FIELD_OF: dict[str, Any] = {"value": 1.0, "text": "a", "truth": False, "data": b"\0\1\2"}


def test_base_name_and_time_hold_until_the_next() -> None:
    pack = [
        Record(bn="motion-1/", bt=T, n="occupancy", vb=True),
        Record(n="battery", t=-2.0, v=90.0),
        Record(bn="door/", n="contact", t=1.0, vb=False),
        Record(bt=T + 100, n="contact", t=0.25, vb=True),
        Record(bn="", n="fridge/contact", vb=True),
    ]
    assert [(r.device, r.quantity, r.at_s) for r in resolve(pack)] == [
        ("motion-1", "occupancy", T),
        ("motion-1", "battery", T - 2),
        ("door", "contact", T + 1),
        ("door", "contact", T + 100.25),
        ("fridge", "contact", T + 100),
    ]


@pytest.mark.parametrize("quantity", Quantity)
def test_each_quantity_is_read_from_its_own_field(quantity: Quantity) -> None:
    values = VALUES[QUANTITIES[quantity].field]
    (found,) = resolve([Record(n=f"d/{quantity}", t=T, **values)])
    assert found.quantity is quantity
    assert (found.device, found.at_s) == ("d", T)
    said = {name: getattr(found, name) for name in FIELD_OF if getattr(found, name) is not None}
    assert said in [{name: value} for name, value in FIELD_OF.items()]


@pytest.mark.parametrize("quantity", Quantity)
def test_a_quantity_without_its_field_is_refused(quantity: Quantity) -> None:
    field = QUANTITIES[quantity].field
    others = {key: value for kind, pair in VALUES.items() if kind is not field for key, value in pair.items()}
    with pytest.raises(InvalidMessage) as refusal:
        resolve([Record(n="a/contact", t=T, vb=True), Record(n=f"d/{quantity}", t=T, **others)])
    assert refusal.value.path == f"$.pack[1].{field}"


@pytest.mark.parametrize(("field", "name"), list(zip(VALUES.values(), ("value", "text", "truth", "data"), strict=True)))
def test_an_unknown_quantity_keeps_its_name(field: dict[str, Any], name: str) -> None:
    (found,) = resolve([Record(n="d/radon", t=T, **field)])
    assert found == Resolved("d", "radon", T, **{name: FIELD_OF[name]})


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (Record(n="contact", t=T, vb=True), "$.pack[0].n"),
        (Record(n="/contact", t=T, vb=True), "$.pack[0].n"),
        (Record(n="door/", t=T, vb=True), "$.pack[0].n"),
        (Record(n="", t=T, vb=True), "$.pack[0].n"),
        (Record(n="door/contact", vb=True), "$.pack[0].t"),
        (Record(n="door/contact", t=-5.0, vb=True), "$.pack[0].t"),
        (Record(n="door/contact", t=T * 1000, vb=True), "$.pack[0].t"),
        (Record(n="door/contact", t=float("nan"), vb=True), "$.pack[0].t"),
        (Record(n="door/radon", t=T), "$.pack[0]"),
        (Record(n="w/acceleration", t=T, vd="AA=="), "$.pack[0].vd"),
        (Record(n="w/acceleration", t=T, vd="A"), "$.pack[0].vd"),
        (Record(n="w/radon", t=T, vd="***"), "$.pack[0].vd"),
    ],
)
def test_a_record_without_meaning_is_refused_with_its_path(record: Record, path: str) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        resolve([record])
    assert refusal.value.path == path


def test_a_device_name_may_hold_slashes() -> None:
    (found,) = resolve([Record(n="flat/2/door/contact", t=T, vb=True)])
    assert found.device == "flat/2/door"


def test_an_empty_pack_is_empty() -> None:
    assert resolve([]) == []


@given(st.binary(max_size=300))
def test_data_comes_back_as_it_was(raw: bytes) -> None:
    text = to_base64(raw)
    assert "=" not in text
    assert from_base64(text) == raw


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["door", "motion-1", "卧室"]),
            st.sampled_from(list(Quantity)),
            st.floats(T, T + 1e6),
        ),
        max_size=20,
    )
)
def test_a_pack_with_bases_means_the_same_as_one_without(readings: list[tuple[str, Quantity, float]]) -> None:
    plain, based = [], []
    for device, quantity, at_s in readings:
        values = VALUES[QUANTITIES[quantity].field]
        plain.append(Record(n=f"{device}/{quantity}", t=at_s, **values))
        based.append(Record(bn=f"{device}/", bt=at_s, n=quantity, **values))
    assert resolve(plain) == resolve(based)


def test_names_that_flood_in_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senml, "_NAMES_KEPT", 10)
    for number in range(50):
        resolve([Record(n=f"flood-{number}/contact", t=T, vb=True)])
    assert len(senml._names) <= 10


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("d" * MAX_ID + "/x", True),
        ("d" * (MAX_ID + 1) + "/x", False),
        ("d/" + "x" * MAX_QUANTITY, True),
        ("d/" + "x" * (MAX_QUANTITY + 1), False),
        ("d" * (MAX_ID + 1) + "/contact", False),
        ("d\x00/contact", False),
        ("d\n/x", False),
    ],
)
def test_a_name_is_held_to_its_lengths_and_to_what_can_be_printed(name: str, allowed: bool) -> None:  # noqa: FBT001
    pack = [Record(n="a/contact", t=T, vb=True), Record(n=name, t=T, vb=True)]
    if allowed:
        assert resolve(pack)[1].device == name.rpartition("/")[0]
        return
    with pytest.raises(InvalidMessage) as refusal:
        resolve(pack)
    assert refusal.value.path == "$.pack[1].n"


def test_the_first_and_the_last_time_are_times() -> None:
    for at_s in (EARLIEST_S, LATEST_S):
        assert [found.at_s for found in resolve([Record(n="d/contact", t=at_s, vb=True)])] == [at_s]


@pytest.mark.parametrize("text", ["_", "AAA\u00e9", "AA==", "AA+/", " AAE", "AA.A"])
def test_what_is_not_base64_of_the_url_safe_alphabet_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_base64(text)


def test_data_of_every_length_bears_no_padding() -> None:
    assert [to_base64(b"\0" * length) for length in range(4)] == ["", "AA", "AAA", "AAAA"]
    assert to_base64(bytes.fromhex("fbffbf")) == "-_-_"
    assert from_base64("-_-_") == bytes.fromhex("fbffbf")
