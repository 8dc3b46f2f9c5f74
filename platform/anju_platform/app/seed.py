"""Fills an empty database with a made-up community; run twice it adds what is missing and changes nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_core.escalation import DEFAULT_POLICIES
from anju_core.vocabulary import Role, VisitCategory
from anju_platform.accounts.repository import find_account
from anju_platform.accounts.service import AccountService, NewAccount
from anju_platform.alerts.models import EscalationPolicy
from anju_platform.app.fleet import COMMUNITY, devices_of, gateway_id, home_id
from anju_platform.app.seed_people import ESTATES, PEOPLE, PROVIDERS, Elder, SeedPerson, elder
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.models import Device, Gateway
from anju_platform.monitoring.models import HomeSupervision
from anju_platform.oncall.models import Shift
from anju_platform.residents.models import Community, Consent, Contact, Home, Resident
from anju_platform.residents.pinyin import search_words
from anju_platform.visits.models import Carer, Contract, Provider

_ZONE = ZoneInfo("Asia/Shanghai")
_LATITUDE, _LONGITUDE = 32.928, 117.352
_STEP_DEG = 0.0011
"""About 120 m between neighbouring buildings."""
_HOMES_PER_ESTATE = 5
_FEES_FEN = {
    VisitCategory.EMERGENCY: 8000,
    VisitCategory.WELFARE_CHECK: 4000,
    VisitCategory.ROUTINE: 3500,
    VisitCategory.REPAIR: 6000,
}
_SHIFT_HOURS = 12
_SHIFT_STARTS_H = 8
_DAYS_OF_DUTY = 14
_CONSENTS = ("monitoring", "family_summary", "health_notes", "provider_door")
_NO_FAMILY_SUMMARY = 7
"""The resident of this home does not share with her family: less is the default, and the demo shows it."""


@dataclass(frozen=True, slots=True)
class Login:
    """A fresh password, to be told once."""

    login: str
    password: str
    role: Role
    name: str
    community: str | None
    home: str | None


def seed(work: UnitOfWork, access: AccountService, homes: int) -> list[Login]:
    """Add the community with its first `homes` homes; every account gets a fresh random password, which is returned."""
    _community(work)
    for number in range(1, homes + 1):
        _home(work, number)
    _providers(work)
    known = {home_id(number) for number in range(1, homes + 1)}
    logins = [_login(work, access, person) for person in PEOPLE if person.home is None or person.home in known]
    _duty(work)
    work.session.flush()
    return logins


def _community(work: UnitOfWork) -> None:
    if work.session.get(Community, COMMUNITY) is None:
        work.session.add(
            Community(
                id=COMMUNITY,
                name="安宁社区",
                town="纬四街道",
                district="禹会区",
                phone="0552-0000000",
                timezone=_ZONE.key,
            )
        )
        work.session.flush()
    written = set(work.session.scalars(select(EscalationPolicy.kind).where(EscalationPolicy.community_id == COMMUNITY)))
    for kind, policy in DEFAULT_POLICIES.items():
        if kind.value in written:
            continue
        steps: list[object] = [
            {"after_s": step.after_s, "tell": [audience.value for audience in step.tell]} for step in policy.steps
        ]
        work.session.add(
            EscalationPolicy(
                id=work.new_id(), community_id=COMMUNITY, kind=kind.value, steps=steps, valid_from=work.clock.now()
            )
        )


def _home(work: UnitOfWork, number: int) -> None:
    home = home_id(number)
    if work.session.get(Home, home) is None:
        at = (number - 1) % _HOMES_PER_ESTATE
        estate = (number - 1) // _HOMES_PER_ESTATE
        work.session.add(
            Home(
                id=home,
                community_id=COMMUNITY,
                estate=ESTATES[estate % len(ESTATES)],
                building=str(estate + 1),
                unit=str(at % 3 + 1),
                room=f"{at + 1}0{number % 2 + 1}",
                latitude=_LATITUDE + _STEP_DEG * estate,
                longitude=_LONGITUDE + _STEP_DEG * at,
                door_code=f"{work.new_id().int % 1_000_000:06d}#",
            )
        )
        work.session.flush()
        _resident(work, number, elder(number))
        work.session.add(HomeSupervision(home_id=home))
    _devices(work.session, number, home)


def _devices(session: Session, number: int, home: str) -> None:
    gateway = gateway_id(home)
    if session.get(Gateway, gateway) is None:
        session.add(Gateway(id=gateway, home_id=home))
    for device in devices_of(number):
        row = session.get(Device, (home, device.id))
        if row is None:
            row = Device(home_id=home, id=device.id, kind=device.kind.value, room=device.room.value)
            session.add(row)
        elif row.known:
            continue
        # One that spoke before it was registered is taken over.
        row.kind, row.room = device.kind.value, device.room.value
        row.label, row.exit_door, row.known = device.label, device.exit_door, True
    session.flush()


def _resident(work: UnitOfWork, number: int, who: Elder) -> None:
    home = home_id(number)
    resident = Resident(
        id=work.new_id(),
        home_id=home,
        name=who.name,
        pinyin=search_words(who.name),
        born=date(who.born, number % 12 + 1, number % 27 + 1),
        gender=who.gender,
        phone=_phone(number, 0),
        mobility=who.mobility,
        hearing=who.hearing,
        illnesses=who.illnesses,
        pets=who.pets,
        key_holder=who.key_holder,
    )
    work.session.add(resident)
    work.session.flush()
    child = next((person.name for person in PEOPLE if person.home == home), "")
    relation = "女儿" if number % 2 else "儿子"
    calls = ((child or f"{who.name[0]}{'敏磊洁军'[number % 4]}", relation), ("刘阿姨", "邻居"))
    for position, (name, kin) in enumerate(calls, 1):
        contact = Contact(resident_id=resident.id, position=position, name=name, relation=kin)
        contact.id, contact.phone = work.new_id(), _phone(number, position)
        work.session.add(contact)
    for scope in _CONSENTS:
        if scope != "family_summary" or number != _NO_FAMILY_SUMMARY:
            consent = Consent(id=work.new_id(), resident_id=resident.id, scope=scope, given_at=work.clock.now())
            work.session.add(consent)


def _providers(work: UnitOfWork) -> None:
    session, today = work.session, work.clock.now().astimezone(_ZONE).date()
    for number, (provider, name) in enumerate(PROVIDERS.items()):
        if session.get(Provider, provider) is not None:
            continue
        session.add(Provider(id=provider, name=name, phone=_phone(900 + number, 0)))
        session.flush()
        for category, fee in _FEES_FEN.items():
            session.add(
                Contract(
                    id=work.new_id(),
                    provider_id=provider,
                    community_id=COMMUNITY,
                    category=category.value,
                    fee_fen=fee,
                    valid_from=today.replace(month=1, day=1),
                )
            )


def _login(work: UnitOfWork, access: AccountService, person: SeedPerson) -> Login:
    password = access.generate_password()
    community = COMMUNITY if person.local else None
    account = find_account(work.session, person.login)
    if account is None:
        new = NewAccount(
            login=person.login,
            name=person.name,
            role=person.role,
            password=password,
            community_id=community,
            provider_id=person.provider,
            home_id=person.home,
            phone=_phone(950 + PEOPLE.index(person), 0),
        )
        account_id = access.open_account(work, new)
        if person.role is Role.CARER:
            _carer(work, account_id, person)
    else:
        access.set_password(work, person.login, password)
    return Login(person.login, password, person.role, person.name, community, person.home)


def _carer(work: UnitOfWork, account_id: UUID, person: SeedPerson) -> None:
    nth = PEOPLE.index(person)
    work.session.add(
        Carer(
            account_id=account_id,
            provider_id=person.provider or "",
            categories=[category.value for category in VisitCategory],
            on_duty=True,
            latitude=_LATITUDE + _STEP_DEG * (nth % 4),
            longitude=_LONGITUDE - _STEP_DEG * (nth % 3 + 1),
            licence_until=(work.clock.now().astimezone(_ZONE) + timedelta(days=400)).date(),
        )
    )


def _duty(work: UnitOfWork) -> None:
    """Day and night shifts from the one that runs now; those on duty before an older roster's end keep theirs."""
    now = work.clock.now()
    local = now.astimezone(_ZONE).replace(hour=_SHIFT_STARTS_H, minute=0, second=0, microsecond=0)
    start = (local - timedelta(days=1)).astimezone(UTC)
    end = start + timedelta(days=_DAYS_OF_DUTY)
    for person in PEOPLE:
        account = find_account(work.session, person.login)
        if person.shift_rank is None or account is None:
            continue
        _shifts(work, account.id, person.shift_rank, start, end)


def _shifts(work: UnitOfWork, account_id: UUID, rank: int, start: datetime, end: datetime) -> None:
    had = set(work.session.scalars(select(Shift.start).where(Shift.account_id == account_id)))
    while start < end:
        upto = start + timedelta(hours=_SHIFT_HOURS)
        if start not in had:
            shift = Shift(id=work.new_id(), community_id=COMMUNITY, account_id=account_id, start=start, end=upto)
            shift.rank = rank
            work.session.add(shift)
        start = upto


def _phone(number: int, which: int) -> str:
    """Return a made-up telephone number: no Chinese mobile number begins with 128."""
    return f"128{number:05d}{which:03d}"
