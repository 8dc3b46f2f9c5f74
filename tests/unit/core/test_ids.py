"""Identifiers that sort by time."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.ids import made_at_s, parse_uuid, uuid7

SECONDS = st.floats(0, 2**47 / 1000)
TEN_BYTES = st.binary(min_size=10, max_size=10)


def test_the_example_of_the_standard() -> None:
    """RFC 9562, appendix A.6."""
    made = uuid7(1645557742.0, bytes.fromhex("0cc318c4dc0c0c07398f"))
    assert made == UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


@given(SECONDS, TEN_BYTES)
def test_time_randomness_version_and_variant_each_have_their_bits(unix_s: float, random_bytes: bytes) -> None:
    made = uuid7(unix_s, random_bytes)
    random = int.from_bytes(random_bytes, "big")
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(unix_s * 1000)
    assert made.int >> 64 & 0xFFF == random >> 64 & 0xFFF
    assert made.int & (1 << 62) - 1 == random & (1 << 62) - 1


@given(SECONDS, SECONDS, TEN_BYTES, TEN_BYTES)
def test_what_is_made_a_millisecond_later_sorts_later(one_s: float, other_s: float, one: bytes, other: bytes) -> None:
    if int(one_s * 1000) < int(other_s * 1000):
        assert uuid7(one_s, one) < uuid7(other_s, other)


def test_a_time_beyond_48_bits_keeps_within_its_bits() -> None:
    assert uuid7(2**48 / 1000, bytes(10)) == UUID(int=0x7 << 76 | 0x2 << 62)


def test_more_bytes_than_needed_are_left_and_fewer_are_refused() -> None:
    assert uuid7(1.0, bytes(range(20))) == uuid7(1.0, bytes(range(10)))
    with pytest.raises(ValueError, match="10 random bytes"):
        uuid7(1.0, bytes(9))


@given(st.floats(0, 4e9), TEN_BYTES)
def test_an_id_says_when_it_was_made(unix_s: float, random_bytes: bytes) -> None:
    assert abs(made_at_s(uuid7(unix_s, random_bytes)) - unix_s) <= 0.0011


def test_a_text_is_a_uuid_or_none() -> None:
    one = uuid7(1.0, bytes(10))
    assert [parse_uuid(text) for text in (str(one), "", "12", f"{one}0")] == [one, None, None, None]
