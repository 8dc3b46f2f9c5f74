from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest.clocks import Clocks, at_arrival, corrected
from anju_wire.messages import Record
from anju_wire.senml import resolve

NOW_S = 1_790_000_000.0
TEN_YEARS_S = 10 * 365.25 * 86400


@pytest.mark.parametrize("off_s", [0.0, 119.0, -119.0, 120.0])
def test_a_clock_that_is_nearly_right_is_believed(off_s: float) -> None:
    clocks = Clocks()
    assert clocks.offset_s("gw", NOW_S - off_s, NOW_S) == 0.0
    assert not clocks.changed


@pytest.mark.parametrize("off_s", [TEN_YEARS_S, -TEN_YEARS_S, 121.0, NOW_S])
def test_a_wrong_clock_is_corrected_and_reported(off_s: float) -> None:
    clocks = Clocks()
    assert clocks.offset_s("gw", NOW_S - off_s, NOW_S) == off_s
    assert clocks.changed == {"gw": off_s}


def test_a_message_sent_again_a_little_later_keeps_its_times() -> None:
    clocks = Clocks()
    first = clocks.offset_s("gw", NOW_S - TEN_YEARS_S, NOW_S)
    clocks.changed.clear()
    assert clocks.offset_s("gw", NOW_S - TEN_YEARS_S + 5, NOW_S + 5.9) == first
    assert not clocks.changed


def test_a_clock_that_was_set_right_is_believed_again() -> None:
    clocks = Clocks()
    clocks.offset_s("gw", NOW_S - 3600, NOW_S)
    assert clocks.offset_s("gw", NOW_S, NOW_S) == 0.0
    assert clocks.changed == {"gw": 0.0}


def test_gateways_have_clocks_of_their_own() -> None:
    clocks = Clocks()
    clocks.offset_s("gw-1", NOW_S - 3600, NOW_S)
    assert clocks.offset_s("gw-2", NOW_S, NOW_S) == 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3600)), min_size=1, max_size=8), st.floats(-1e6, 1e6))
def test_every_record_is_shifted_once_whether_it_has_a_base_time_or_not(
    rows: list[tuple[bool, int]], offset_s: float
) -> None:
    pack, based = [], False
    for has_base, t in rows:
        based = based or has_base
        own = float(t) if based else NOW_S + t
        pack.append(Record(n="d/occupancy", vb=True, bt=NOW_S if has_base else None, t=own))
    before, after = resolve(pack), resolve(corrected(pack, offset_s))
    assert [one.at_s for one in after] == pytest.approx([one.at_s + offset_s for one in before], abs=1e-5)


def test_an_alarm_without_a_time_happened_on_arrival() -> None:
    pack = [Record(bn="button-sos/", n="sos", vb=True, bt=5.0, t=3.0), Record(n="battery", v=50.0, t=4.0)]
    assert [(one.device, one.at_s) for one in resolve(at_arrival(pack, NOW_S))] == [("button-sos", NOW_S)] * 2
