"""The card of a home: names, address, telephone numbers in the order to call, and notes for the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.addresses import address
from anju_platform.i18n.translation import N_, Words
from anju_platform.i18n.typed_words import translate_typed
from anju_platform.residents.directory import find_home
from anju_platform.residents.records import HomeRecord, ResidentRecord, age_on

ELDER = "elder"
"""`Number.who` of the elder."""
DOOR: Sequence[tuple[str, str]] = (
    ("mobility", N_("行动")),
    ("hearing", N_("听力")),
    ("illnesses", N_("疾病")),
    ("pets", N_("宠物")),
    ("key_holder", N_("钥匙")),
)


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number with whose it is; `who` is `elder` or a contact's id."""

    who: str
    name: str
    relation: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeCard:
    """A home, its residents and whom to call."""

    id: str
    community_id: str
    zone: ZoneInfo
    """The time zone of its clocks."""
    name: str
    age: int | None
    address: str
    community_name: str
    phone: str
    duty_phone: str
    numbers: Sequence[Number]
    """In the order to call."""
    door: Sequence[tuple[str, str]]
    latitude: float | None
    longitude: float | None


def card(work: UnitOfWork, home_id: str, words: Words, now: datetime) -> HomeCard | None:
    """Return the card of a home as its community may know it; None when there is no such home.

    It belongs to an alert, whose reading has written down the look.
    """
    home = find_home(work, home_id)
    return None if home is None else _card_of(home, home.residents, words, now)


def visitor_card(work: UnitOfWork, home_id: str, words: Words, now: datetime) -> HomeCard | None:
    """Return the card of a home as a provider's carer may know it; None when there is no such home.

    It belongs to a visit, whose reading has written down the look.
    """
    home = find_home(work, home_id)
    return None if home is None else _card_of(home, [one.for_visitor() for one in home.residents], words, now)


def _card_of(home: HomeRecord, residents: Sequence[ResidentRecord], words: Words, now: datetime) -> HomeCard:
    first = residents[0] if residents else None
    return HomeCard(
        id=home.id,
        community_id=home.community_id,
        zone=home.timezone,
        name=words("、").join(one.name for one in residents) or home.id,
        age=age_on(first.born, home.local_date(now)) if first else None,
        address=address(words, home.estate, home.building, home.unit, home.room),
        community_name=home.community_name,
        phone=next((one.phone for one in residents if one.phone), ""),
        duty_phone=home.community_phone,
        numbers=_numbers(residents, words),
        door=[(words(name), text) for one in residents for field, name in DOOR if (text := getattr(one, field))],
        latitude=home.latitude,
        longitude=home.longitude,
    )


def _numbers(residents: Sequence[ResidentRecord], words: Words) -> list[Number]:
    own = [Number(ELDER, one.name, words("老人本人"), one.phone) for one in residents if one.phone]
    others = [
        Number(str(contact.id), contact.name, translate_typed(words, contact.relation), contact.phone)
        for one in residents
        for contact in one.contacts
    ]
    return own + others
