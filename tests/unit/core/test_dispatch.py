"""Who is asked to go, and how an arrival is proven."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.dispatch import (
    ARRIVAL_RADIUS_M,
    CATEGORIES,
    Candidate,
    ChecklistItem,
    Direction,
    InvalidPlace,
    Place,
    Proof,
    Unfit,
    believed_time,
    count_to_ask,
    distance_m,
    eta_minutes,
    explain_unasked,
    find_direction,
    find_obstacle,
    is_dangerous,
    offer_expiry,
    prove_arrival,
    rank_candidates,
    round_distance,
)
from anju_core.vocabulary import VisitCategory

TODAY = date(2026, 3, 2)
HOME = Place(32.93, 117.35)
NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
EMERGENCY = VisitCategory.EMERGENCY
places = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))


def carer(number: int, **given_values: object) -> Candidate:
    values: dict[str, object] = {
        "carer_id": UUID(int=number),
        "name": f"carer {number}",
        "provider_id": "kangle",
        "categories": frozenset({EMERGENCY}),
        "contract_category": EMERGENCY,
        "contract_from": date(2026, 1, 1),
        "place": Place(32.93 + number / 100, 117.35),
    }
    return Candidate(**{**values, **given_values})  # type: ignore[arg-type]


def test_a_degree_of_latitude_is_about_111_km() -> None:
    assert distance_m(Place(0, 0), Place(1, 0)) == pytest.approx(111_195, rel=1e-3)
    assert distance_m(Place(0, 179.9), Place(0, -179.9)) == pytest.approx(22_239, rel=1e-3)


@given(places, places)
def test_distance_is_the_same_both_ways_and_at_most_half_the_earth(one: Place, other: Place) -> None:
    assert distance_m(one, other) == pytest.approx(distance_m(other, one), abs=1e-3)
    assert 0 <= distance_m(one, other) <= 20_016_000
    assert distance_m(one, one) == 0


@pytest.mark.parametrize("place", [(91, 0), (0, 181), (float("nan"), 0)])
def test_there_is_no_such_place(place: tuple[float, float]) -> None:
    with pytest.raises(InvalidPlace) as refused:
        Place(*place)
    assert repr((refused.value.latitude, refused.value.longitude)) == repr(place)
    for corner in ((90, 180), (-90, -180)):
        assert distance_m(Place(*corner), Place(*corner)) == 0
    assert Place.known(None, 117.0) is None
    assert Place.known(32.9, 117.0) == Place(32.9, 117.0)


@pytest.mark.parametrize("item", ChecklistItem)
def test_an_answer_that_means_danger_to_life_calls_for_help(item: ChecklistItem) -> None:
    dangerous = [answer for answer in (True, False, None) if is_dangerous(item, answer)]
    assert dangerous == ([False] if item in {ChecklistItem.CONSCIOUS, ChecklistItem.SAFE} else [])
    assert not is_dangerous("of an earlier release", False)


@pytest.mark.parametrize(
    ("category", "waiting", "more"),
    [(EMERGENCY, 0, 3), (EMERGENCY, 2, 1), (EMERGENCY, 3, 0), (EMERGENCY, 4, 0), (VisitCategory.ROUTINE, 0, 1)],
)
def test_several_are_asked_at_once_where_seconds_count(category: VisitCategory, waiting: int, more: int) -> None:
    assert count_to_ask(category, waiting) == more


def test_the_way_takes_its_time() -> None:
    assert eta_minutes(None) is None
    assert eta_minutes(float("inf")) is None
    assert eta_minutes(0) == 5
    assert eta_minutes(2000) == 15


@pytest.mark.parametrize(
    ("given_values", "why"),
    [
        ({}, None),
        ({"contract_category": VisitCategory.REPAIR}, Unfit.NO_CONTRACT),
        ({"contract_from": TODAY + timedelta(days=1)}, Unfit.NO_CONTRACT),
        ({"contract_until": TODAY - timedelta(days=1)}, Unfit.NO_CONTRACT),
        ({"contract_until": TODAY}, None),
        ({"contract_from": TODAY}, None),
        ({"categories": frozenset({VisitCategory.ROUTINE})}, Unfit.NOT_QUALIFIED),
        ({"licence_until": TODAY - timedelta(days=1)}, Unfit.LICENCE_LAPSED),
        ({"licence_until": TODAY}, None),
        ({"on_duty": False}, Unfit.OFF_DUTY),
        ({"busy": True}, Unfit.BUSY),
    ],
)
def test_who_can_be_asked(given_values: dict[str, object], why: Unfit | None) -> None:
    one = carer(1, **given_values)
    assert find_obstacle(one, EMERGENCY, TODAY, frozenset()) is why
    assert [found.candidate for found in rank_candidates([one], EMERGENCY, HOME, TODAY)] == (
        [one] if why is None else []
    )


def test_the_nearest_is_asked_first_and_nobody_twice() -> None:
    near, far, unknown = carer(1), carer(2), carer(3, place=None)
    assert [one.candidate for one in rank_candidates([unknown, far, near], EMERGENCY, HOME, TODAY)] == [
        near,
        far,
        unknown,
    ]
    asked = frozenset({near.carer_id})
    assert [one.candidate for one in rank_candidates([far, near], EMERGENCY, HOME, TODAY, asked)] == [far]
    assert explain_unasked([near, far], EMERGENCY, TODAY, asked) == {"carer 1": "asked_already"}
    elsewhere = carer(1, contract_category=VisitCategory.REPAIR)
    for several in ([near, elsewhere], [elsewhere, near]):
        assert explain_unasked(several, EMERGENCY, TODAY, asked) == {"carer 1": "asked_already"}


def test_the_way_decides_before_the_price_and_the_price_before_the_id() -> None:
    """Given from the worst to the best, so that no order of arrival or of ids stands in for the rule."""
    nowhere = carer(0, place=None, fee_fen=1)
    dear = carer(1, place=Place(32.94, 117.35), fee_fen=9000)
    cheap = carer(4, place=Place(32.94, 117.35), fee_fen=8000)
    same = carer(5, place=Place(32.94, 117.35), fee_fen=8000)
    near = carer(9, place=Place(32.935, 117.35), fee_fen=99_000)
    ranked = rank_candidates([nowhere, dear, same, cheap, near], EMERGENCY, HOME, TODAY)
    assert [one.candidate for one in ranked] == [near, cheap, same, dear, nowhere]
    assert [one.distance_m for one in ranked] == [
        pytest.approx(556, abs=1),
        *[pytest.approx(1112, abs=1)] * 3,
        None,
    ]


def test_who_has_no_open_offer_comes_before_who_is_nearer() -> None:
    near, far = carer(1, pending=1), carer(2)
    assert [one.candidate for one in rank_candidates([near, far], EMERGENCY, HOME, TODAY)] == [far, near]


def test_a_carer_under_two_contracts_goes_under_the_cheaper() -> None:
    dear, cheap = carer(1, fee_fen=9000), carer(1, fee_fen=8000, provider_id="other")
    (found,) = rank_candidates([dear, cheap], EMERGENCY, None, TODAY)
    assert (found.candidate.fee_fen, found.distance_m) == (8000, None)


@given(places, places)
def test_a_distance_is_rounded_up_and_a_direction_is_one_of_eight(start: Place, end: Place) -> None:
    exact = distance_m(start, end)
    rough = round_distance(exact)
    assert rough is not None
    assert rough >= max(exact, 500)
    assert rough % 500 == 0
    assert find_direction(start, end) in Direction


def test_directions_are_those_of_the_compass() -> None:
    found = [
        find_direction(HOME, Place(HOME.latitude + north, HOME.longitude + east))
        for north, east in ((1, 0), (1, 1.19), (0, 1), (-1, 1.19), (-1, 0), (-1, -1.19), (0, -1), (1, -1.19))
    ]
    assert found == list(Direction)
    north_of_town = Place(60.0, HOME.longitude)  # where a degree of longitude is half as wide
    ways = [find_direction(north_of_town, Place(60.0 + north, HOME.longitude + east)) for north, east in ((0.1, 0.2),)]
    assert ways == [list(Direction)[1]]
    assert find_direction(None, HOME) is None
    assert round_distance(None) is None


def test_an_arrival_is_proven_by_the_code_else_by_a_second_persons_word() -> None:
    away = Place(32.95, 117.35)
    by_code = prove_arrival(code=" 482913 ", expected="482913", phone=away, home=HOME)
    assert (by_code.proof, by_code.code_matches, by_code.distance_m) == (Proof.CODE, True, distance_m(away, HOME))
    assert by_code.near is False
    at_home = prove_arrival(code="111111", expected="482913", phone=HOME, home=HOME)
    assert (at_home.proof, at_home.code_matches, at_home.distance_m, at_home.near) == (None, False, 0, True)
    unproven = prove_arrival(code="1", expected="482913", phone=away, home=HOME)
    assert (unproven.proof, unproven.code_matches, unproven.distance_m) == (None, False, distance_m(away, HOME))
    assert prove_arrival(code=None, expected="482913", phone=away, home=HOME).proof is None
    assert prove_arrival(code="", expected="", phone=None, home=HOME).proof is None
    assert prove_arrival(code=" ", expected="", phone=None, home=HOME).proof is None
    assert prove_arrival(code=None, expected="1", phone=HOME, home=None).proof is None
    assert prove_arrival(code=None, expected="1", phone=None, home=HOME, attested=True).proof is Proof.ATTESTED


@given(places)
def test_no_place_proves_an_arrival_it_only_corroborates(phone: Place) -> None:
    arrival = prove_arrival(code=None, expected="482913", phone=phone, home=HOME)
    assert arrival.proof is None
    assert arrival.near == (distance_m(phone, HOME) <= ARRIVAL_RADIUS_M)


def test_the_phones_time_is_believed_where_it_can_be_true() -> None:
    accepted = NOW - timedelta(minutes=20)
    offline = NOW - timedelta(minutes=5)
    for possible in (offline, accepted, NOW):
        assert believed_time(possible, NOW, accepted) == possible
    for wrong in (None, NOW + timedelta(seconds=1), accepted - timedelta(days=3650)):
        assert believed_time(wrong, NOW, accepted) == NOW


def test_every_category_says_how_it_is_offered_and_done() -> None:
    assert set(CATEGORIES) == set(VisitCategory)
    for row in CATEGORIES.values():
        assert 0 < row.offer_s < row.arrive_s
        assert len(set(row.checklist)) == len(row.checklist) > 0
    assert offer_expiry(EMERGENCY, NOW) == NOW + timedelta(seconds=60)
