"""Dispatch of carers: who can be asked to go and in which order, the checklists, and the proof of an arrival."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from math import asin, atan2, ceil, cos, isfinite, pi, radians, sin, sqrt
from uuid import UUID

from anju_core.errors import Invalid
from anju_core.vocabulary import VisitCategory

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius R1 of the WGS 84 ellipsoid, metres."""
ARRIVAL_RADIUS_M = 150.0
"""Within this distance of the home a phone counts as there, metres. Positions in cities are off by tens. Ours."""
RIDE_M_PER_MIN = 250.0
"""Speed of an electric bicycle along streets, 15 km/h. Ours."""
DETOUR = 1.3
"""Length of a way along streets per straight line, a ratio. Ours."""
MAX_WRONG_CODES = 5
"""After so many wrong codes none is looked at any more: six digits cannot be guessed in so few tries. Ours."""
START_MIN = 5
"""Minutes until a carer is on the road. Ours."""


class InvalidPlace(Invalid):
    """Coordinates that no place on earth has."""

    def __init__(self, latitude: float, longitude: float) -> None:
        super().__init__(f"no such place: latitude {latitude!r}, longitude {longitude!r}")
        self.latitude = latitude
        self.longitude = longitude


@dataclass(frozen=True, slots=True)
class Place:
    """A place on earth, degrees in WGS 84; raises `InvalidPlace`."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (abs(self.latitude) <= 90 and abs(self.longitude) <= 180):  # noqa: PLR2004 - degrees
            raise InvalidPlace(self.latitude, self.longitude)

    @classmethod
    def known(cls, latitude: float | None, longitude: float | None) -> Place | None:
        """Return the place of a latitude and a longitude; None where one of them is not known."""
        return None if latitude is None or longitude is None else cls(latitude, longitude)


def distance_m(one: Place, other: Place) -> float:
    """Return the great-circle distance in metres (haversine)."""
    lat1, lat2 = radians(one.latitude), radians(other.latitude)
    turn = radians(other.longitude - one.longitude)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin(turn / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


def distance_between(one: Place | None, other: Place | None) -> float | None:
    """Return the great-circle distance in metres; None where one of the places is not known."""
    return None if one is None or other is None else distance_m(one, other)


ROUGH_M = 500.0
"""Step to which a distance is rounded up before a visit is accepted, metres. Ours."""


class Direction(StrEnum):
    """One of eight points of the compass."""

    NORTH = "north"
    NORTH_EAST = "north_east"
    EAST = "east"
    SOUTH_EAST = "south_east"
    SOUTH = "south"
    SOUTH_WEST = "south_west"
    WEST = "west"
    NORTH_WEST = "north_west"


def round_distance(distance: float | None) -> float | None:
    """Return a distance in metres rounded up to `ROUGH_M`, so that it does not give the place away."""
    return None if distance is None else max(1, ceil(distance / ROUGH_M)) * ROUGH_M


def find_direction(start: Place | None, end: Place | None) -> Direction | None:
    """Return in which direction the way begins; None where one of the places is not known."""
    if start is None or end is None:
        return None
    north = radians(end.latitude - start.latitude)
    east = radians(end.longitude - start.longitude) * cos(radians((start.latitude + end.latitude) / 2))
    return tuple(Direction)[round(atan2(east, north) / (pi / 4)) % 8]


def eta_minutes(distance: float | None) -> int | None:
    """Return how many minutes a carer needs for a distance in metres; None where the distance is not known."""
    if distance is None or not isfinite(distance):
        return None
    return START_MIN + round(distance * DETOUR / RIDE_M_PER_MIN)


class Unfit(StrEnum):
    """Why a carer cannot be asked; in the order in which the reasons are looked at."""

    NO_CONTRACT = "no_contract"
    NOT_QUALIFIED = "not_qualified"
    LICENCE_LAPSED = "licence_lapsed"
    OFF_DUTY = "off_duty"
    BUSY = "busy"
    ASKED_ALREADY = "asked_already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A carer who might go, with the contract under which she would."""

    carer_id: UUID
    name: str
    provider_id: str
    categories: frozenset[VisitCategory]
    contract_category: VisitCategory
    contract_from: date
    contract_until: date | None = None
    fee_fen: int = 0
    on_duty: bool = True
    licence_until: date | None = None
    place: Place | None = None
    busy: bool = False
    """She has accepted another visit that is not over."""
    pending: int = 0
    """Other offers that wait for her answer."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate who can be asked; `distance_m` is None where her place or the home's is not known."""

    candidate: Candidate
    distance_m: float | None


def find_obstacle(candidate: Candidate, category: VisitCategory, today: date, asked: frozenset[UUID]) -> Unfit | None:
    """Return why the candidate cannot be asked, None when she can; `today` is the community's local date."""
    until = candidate.contract_until
    checks = (
        (
            Unfit.NO_CONTRACT,
            candidate.contract_category is not category
            or today < candidate.contract_from
            or (until is not None and today > until),
        ),
        (Unfit.NOT_QUALIFIED, category not in candidate.categories),
        (Unfit.LICENCE_LAPSED, candidate.licence_until is not None and today > candidate.licence_until),
        (Unfit.OFF_DUTY, not candidate.on_duty),
        (Unfit.BUSY, candidate.busy),
        (Unfit.ASKED_ALREADY, candidate.carer_id in asked),
    )
    return next((reason for reason, holds in checks if holds), None)


def rank_candidates(
    candidates: Iterable[Candidate],
    category: VisitCategory,
    home: Place | None,
    today: date,
    asked: frozenset[UUID] = frozenset(),
) -> tuple[Ranked, ...]:
    """Return who can be asked, best first: without another open offer, then near, then cheap, then by id.

    A carer under several contracts is listed once, under the cheapest. One whose place is not known comes last.
    """
    fit = [candidate for candidate in candidates if find_obstacle(candidate, category, today, asked) is None]
    ranked = [Ranked(candidate, distance_between(candidate.place, home)) for candidate in fit]
    ranked.sort(key=_order)
    first: dict[UUID, Ranked] = {}
    for one in ranked:
        first.setdefault(one.candidate.carer_id, one)
    return tuple(first.values())


def explain_unasked(
    candidates: Iterable[Candidate], category: VisitCategory, today: date, asked: frozenset[UUID]
) -> dict[str, str]:
    """Return why each candidate was not asked, by name, for the history of a visit that nobody could make.

    A carer under several contracts is named with the reason that came closest to her being asked.
    """
    order = list(Unfit)
    worst: dict[str, Unfit] = {}
    for one in candidates:
        reason = find_obstacle(one, category, today, asked)
        if reason is not None and (one.name not in worst or order.index(reason) > order.index(worst[one.name])):
            worst[one.name] = reason
    return {name: reason.value for name, reason in worst.items()}


def _order(one: Ranked) -> tuple[int, float, int, int]:
    far = float("inf") if one.distance_m is None else one.distance_m
    return one.candidate.pending, far, one.candidate.fee_fen, one.candidate.carer_id.int


class Proof(StrEnum):
    """How an arrival was proven."""

    CODE = "code"
    """She read the home's one-time code."""
    ATTESTED = "attested"
    """A second person of the community attests it, where the home cannot say its code."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The decision about an arrival: proven by what (None: not proven), and the facts it rests on.

    near: whether the phone says that it is within `ARRIVAL_RADIUS_M` of the home, None where it does not know. That
    corroborates and proves nothing: a position is what the client says.
    """

    proof: Proof | None
    code_matches: bool | None
    distance_m: float | None
    near: bool | None = None


def prove_arrival(
    *, code: str | None, expected: str, phone: Place | None = None, home: Place | None = None, attested: bool = False
) -> Arrival:
    """Return the proof of an arrival: the home's code, else the word of a second person; never the phone's place."""
    given = "" if code is None else code.strip()
    matches = None if not given else bool(expected) and compare_digest(given.encode(), expected.encode())
    away = None if phone is None or home is None else distance_m(phone, home)
    near = None if away is None else away <= ARRIVAL_RADIUS_M
    proof = Proof.CODE if matches else Proof.ATTESTED if attested else None
    return Arrival(proof, matches, away, near)


def believed_time(phone_at: datetime | None, received: datetime, not_before: datetime) -> datetime:
    """Return when a step happened: the phone's time where it lies between the two others, else `received`."""
    if phone_at is None or not not_before <= phone_at <= received:
        return received
    return phone_at


class ChecklistItem(StrEnum):
    """One thing that a carer does on a visit and answers with yes or no."""

    CONSCIOUS = "conscious"
    """The person is conscious and answers."""
    INJURY = "injury"
    """Looked for injury and pain."""
    DEVICES = "devices"
    """Pressed the button once; the devices work."""
    SAFE = "safe"
    """Water, power and gas are safe."""
    NEEDS = "needs"
    """Food, medicine and warmth."""
    REPAIRED = "repaired"
    """The fault is repaired."""


DANGEROUS_ANSWERS: Mapping[str, bool] = {ChecklistItem.CONSCIOUS: False, ChecklistItem.SAFE: False}
"""The items whose one answer means danger to life, with that answer: help is called at once. Ours."""


def is_dangerous(item: str, answer: bool | None) -> bool:  # noqa: FBT001 - the answer to a question
    """Return whether an answer to a checklist item asks for help at once; None is no answer."""
    return answer is not None and DANGEROUS_ANSWERS.get(item) is answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """How visits of a category are offered and what is done on them.

    at_once: how many carers are asked at the same time; the first to accept goes. offer_s: how long one carer has to
    answer. arrive_s: from the request to the door. stay_s: after so long without a check-out somebody asks. All in
    seconds, all ours.
    """

    offer_s: float
    arrive_s: float
    stay_s: float
    checklist: tuple[ChecklistItem, ...]
    at_once: int = 1


CATEGORIES: Mapping[VisitCategory, CategoryRow] = {
    VisitCategory.EMERGENCY: CategoryRow(
        offer_s=60,
        arrive_s=45 * 60,
        stay_s=2 * 3600,
        checklist=(ChecklistItem.CONSCIOUS, ChecklistItem.INJURY, ChecklistItem.SAFE, ChecklistItem.DEVICES),
        at_once=3,
    ),
    VisitCategory.WELFARE_CHECK: CategoryRow(
        offer_s=180,
        arrive_s=2 * 3600,
        stay_s=2 * 3600,
        checklist=(ChecklistItem.CONSCIOUS, ChecklistItem.NEEDS, ChecklistItem.SAFE, ChecklistItem.DEVICES),
    ),
    VisitCategory.ROUTINE: CategoryRow(
        offer_s=1800,
        arrive_s=24 * 3600,
        stay_s=4 * 3600,
        checklist=(ChecklistItem.NEEDS, ChecklistItem.SAFE, ChecklistItem.DEVICES),
    ),
    VisitCategory.REPAIR: CategoryRow(
        offer_s=1800,
        arrive_s=24 * 3600,
        stay_s=4 * 3600,
        checklist=(ChecklistItem.REPAIRED, ChecklistItem.DEVICES),
    ),
}
"""Each category of visits in one row."""


def count_to_ask(category: VisitCategory, waiting: int) -> int:
    """Return how many more carers to ask now; `waiting`: those who were reached and have not answered yet."""
    return max(0, CATEGORIES[category].at_once - waiting)


def offer_expiry(category: VisitCategory, offered_at: datetime) -> datetime:
    """Return when an offer of this category lapses."""
    return offered_at + timedelta(seconds=CATEGORIES[category].offer_s)
