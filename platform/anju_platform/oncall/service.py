"""The on-call rota: who is on call, whom a step of escalation reaches, and handovers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.errors import Conflict, Invalid, NotFound, Refused
from anju_core.escalation import Audience
from anju_core.recipients import Recipient
from anju_core.rota import PLANNED, find_gap
from anju_core.scope import Scope
from anju_core.vocabulary import Role
from anju_platform.accounts.directory import AccountRecord, find_account, find_accounts, list_enabled
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.oncall.models import Handover, Shift, ShiftChange
from anju_platform.oncall.repository import OncallRepository
from anju_platform.residents.directory import find_community, list_communities, lock_community
from anju_platform.residents.records import CommunityRecord

RANKS = range(1, 10)
MAX_NOTE = 4000


class ShiftNotFound(NotFound):
    """There is no such shift, handover or community, or it is out of the asker's scope."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no {what}")
        self.what = what


class RotaNotYours(Refused):
    """Only supervisors and administrators may change the rota."""

    def __init__(self, role: Role) -> None:
        super().__init__(f"role {role.value} may not change the rota")
        self.role = role


class InvalidShift(Invalid):
    """A shift or a handover that cannot be stored."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} {why}")
        self.what = what
        self.why = why


class HandoverOwn(Refused):
    """A handover is for the next on call: who wrote it does not mark it as read."""

    def __init__(self) -> None:
        super().__init__("a handover is not read by who wrote it")


class NobodyOnCall(Conflict):
    """Without this shift or person a community would have nobody on call within the coming days."""

    def __init__(self, community_id: str, start: datetime, end: datetime) -> None:
        super().__init__(
            f"community {community_id} would have nobody on call from {start.isoformat()} until {end.isoformat()}; "
            "put somebody else on the rota first"
        )
        self.community_id = community_id
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who is on call, by a shift."""

    shift_id: UUID
    account_id: UUID
    name: str
    phone: str
    rank: int
    start: datetime
    end: datetime


class OncallService:
    """Reads and changes the rota and its handovers."""

    def resolve_audiences(
        self, work: UnitOfWork, community_id: str, home_id: str, audiences: Iterable[Audience], now: datetime
    ) -> dict[Audience, list[Recipient]]:
        """Return whom each audience means now; an empty list where it means nobody."""
        return {each: _recipients(_accounts(work, each, community_id, home_id, now)) for each in audiences}

    def find_fallback(self, work: UnitOfWork, community_id: str) -> list[Recipient]:
        """Return who is told when a whole policy reaches nobody: workers, else any supervisor, else administrators."""
        found = (
            list_enabled(work, Role.WORKER, community_ids=[community_id])
            or list_enabled(work, Role.SUPERVISOR)
            or list_enabled(work, Role.ADMIN)
        )
        return _recipients(found)

    def find_overseers(self, work: UnitOfWork) -> list[Recipient]:
        """Return who is told that the platform itself is not well: the district, else administrators or supervisors."""
        roles = (Role.DISTRICT, Role.ADMIN, Role.SUPERVISOR)
        return _recipients(next((found for role in roles if (found := list_enabled(work, role))), []))

    def find_person(self, work: UnitOfWork, account_id: UUID) -> Recipient | None:
        """Return one person as a recipient; None when the account is gone or closed."""
        account = find_account(work, account_id)
        return None if account is None or not account.enabled else _recipients([account])[0]

    def list_on_call(self, work: UnitOfWork, community_id: str, now: datetime) -> list[OnDuty]:
        """Return who is on call now, by rank."""
        return _on_duty(work, OncallRepository(work.session).list_shifts(community_id, now))

    def list_planned(self, work: UnitOfWork, actor: Actor, community_id: str) -> list[OnDuty]:
        """Return the shifts that run or begin within `anju_core.rota.PLANNED`, by start; raises `ShiftNotFound`."""
        self._seen(actor, community_id)
        now = work.clock.now()
        return _on_duty(work, OncallRepository(work.session).list_overlapping(community_id, now, now + PLANNED))

    def add_shift(
        self,
        work: UnitOfWork,
        actor: Actor,
        community_id: str,
        account_id: UUID,
        *,
        rank: int,
        start: datetime,
        end: datetime,
    ) -> Shift:
        """Add a shift to the rota; raises `RotaNotYours`, `ShiftNotFound`, `InvalidShift`."""
        repository = self._rota(work, actor, community_id)
        account = find_account(work, account_id)
        if account is None or account.role not in {Role.WORKER, Role.SUPERVISOR}:
            raise InvalidShift("account", f"{account_id} is not a worker's")
        if account.community_id not in {None, community_id}:
            raise InvalidShift("account", f"{account_id} belongs to another community")
        if rank not in RANKS:
            raise InvalidShift("rank", f"{rank} is not within {RANKS.start} to {RANKS.stop - 1}")
        if start.tzinfo is None or end.tzinfo is None or end <= start:
            raise InvalidShift("shift", "wants a start before its end, both with a time zone")
        shift = Shift(
            id=work.new_id(), community_id=community_id, account_id=account_id, rank=rank, start=start, end=end
        )
        repository.insert_row(shift)
        _record_change(work, actor, shift, "added", "")
        return shift

    def remove_shift(self, work: UnitOfWork, actor: Actor, shift_id: UUID, why: str = "") -> None:
        """Remove a shift from the rota; who, when and why stay on record.

        Raises `RotaNotYours`, `ShiftNotFound`, and `NobodyOnCall` where the community would lose its last person on
        call within `anju_core.rota.PLANNED`.
        """
        shift = OncallRepository(work.session).find_shift(shift_id)
        if shift is None:
            raise ShiftNotFound(f"shift {shift_id}")
        repository = self._rota(work, actor, shift.community_id)
        lock_community(work, shift.community_id)
        _check_covered(work, [shift], {shift.id})
        _record_change(work, actor, shift, "removed", why)
        repository.delete_shift(shift)

    def check_leaving(self, work: UnitOfWork, account_id: UUID) -> None:
        """Raise `NobodyOnCall` where a community would have nobody on call without this person."""
        shifts = OncallRepository(work.session).list_of_account(account_id, work.clock.now())
        for community_id in sorted({shift.community_id for shift in shifts}):
            lock_community(work, community_id)
        _check_covered(work, shifts, {shift.id for shift in shifts})

    def list_changes(self, work: UnitOfWork, actor: Actor, community_id: str, limit: int = 50) -> Sequence[ShiftChange]:
        """Return the last changes of a community's rota, newest first; raises `ShiftNotFound`."""
        self._seen(actor, community_id)
        return OncallRepository(work.session).list_changes(community_id, limit)

    def list_unattended(self, work: UnitOfWork, scope: Scope, now: datetime) -> list[CommunityRecord]:
        """Return the communities of a scope that have nobody on call now."""
        return [one for one in list_communities(work, scope) if not self.list_on_call(work, one.id, now)]

    def leave_handover(self, work: UnitOfWork, actor: Actor, community_id: str, note: str) -> Handover:
        """Leave a handover for the next on call; raises `ShiftNotFound`, `InvalidShift`."""
        self._seen(actor, community_id)
        if find_community(work, community_id) is None:
            raise ShiftNotFound(f"community {community_id}")
        text = note.strip()
        if not 1 <= len(text) <= MAX_NOTE:
            raise InvalidShift("note", f"has {len(text)} characters; want 1 to {MAX_NOTE}")
        row = Handover(
            id=work.new_id(),
            community_id=community_id,
            at=work.clock.now(),
            by_name=actor.name,
            note=text,
            read_by="",
            read_at=None,
        )
        OncallRepository(work.session).insert_row(row)
        return row

    def mark_handover_read(self, work: UnitOfWork, actor: Actor, handover_id: UUID) -> Handover:
        """Store that a handover was read; the first reader stays. Raises `ShiftNotFound`, `HandoverOwn`."""
        row = OncallRepository(work.session).lock_handover(handover_id)
        if row is None:
            raise ShiftNotFound(f"handover {handover_id}")
        self._seen(actor, row.community_id)
        if is_own(row, actor):
            raise HandoverOwn
        if row.read_at is None:
            row.read_by, row.read_at = actor.name, work.clock.now()
            work.session.flush()
        return row

    def list_unread_handovers(self, work: UnitOfWork, community_id: str) -> Sequence[Handover]:
        """Return the handovers of a community that nobody has read, oldest first."""
        return OncallRepository(work.session).list_unread(community_id)

    def list_for(self, work: UnitOfWork, actor: Actor) -> Sequence[Handover]:
        """Return the unread handovers that are for this person: of her communities, written by others, oldest first."""
        repository = OncallRepository(work.session)
        found = [row for one in list_communities(work, actor.scope) for row in repository.list_unread(one.id)]
        return sorted((row for row in found if not is_own(row, actor)), key=lambda row: (row.at, row.id))

    def list_handovers(self, work: UnitOfWork, community_id: str, limit: int = 20) -> Sequence[Handover]:
        """Return the last handovers of a community, newest first."""
        return OncallRepository(work.session).list_latest(community_id, limit)

    def _rota(self, work: UnitOfWork, actor: Actor, community_id: str) -> OncallRepository:
        self._seen(actor, community_id)
        repository = OncallRepository(work.session)
        if find_community(work, community_id) is None:
            raise ShiftNotFound(f"community {community_id}")
        if actor.role not in {Role.SUPERVISOR, Role.ADMIN}:
            raise RotaNotYours(actor.role)
        return repository

    def _seen(self, actor: Actor, community_id: str) -> None:
        if not actor.may_see(community_id, None):
            raise ShiftNotFound(f"community {community_id}")


def is_own(row: Handover, actor: Actor) -> bool:
    """Return whether a person wrote a handover; the table knows writers by their name."""
    return row.by_name == actor.name


def _on_duty(work: UnitOfWork, shifts: Sequence[Shift]) -> list[OnDuty]:
    """Return these shifts with whose they are, without those of accounts that are closed."""
    accounts = find_accounts(work, {shift.account_id for shift in shifts})
    return [
        OnDuty(shift.id, account.id, account.name, account.phone, shift.rank, shift.start, shift.end)
        for shift in shifts
        if (account := accounts[shift.account_id]).enabled
    ]


def _record_change(work: UnitOfWork, actor: Actor, shift: Shift, what: str, why: str) -> None:
    change = ShiftChange(id=work.new_id(), at=work.clock.now(), by_account=actor.account_id, by_name=actor.name)
    change.what, change.why, change.shift_id = what, why.strip(), shift.id
    change.community_id, change.account_id, change.rank = shift.community_id, shift.account_id, shift.rank
    change.start, change.end = shift.start, shift.end
    OncallRepository(work.session).insert_row(change)


def _check_covered(work: UnitOfWork, shifts: Iterable[Shift], without: Collection[UUID]) -> None:
    """Raise `NobodyOnCall` for the first of these shifts that nobody else's cover in the coming days."""
    now, repository = work.clock.now(), OncallRepository(work.session)
    for shift in shifts:
        start, end = max(now, shift.start), min(shift.end, now + PLANNED)
        others = [one for one in repository.list_overlapping(shift.community_id, start, end) if one.id not in without]
        enabled = find_accounts(work, {one.account_id for one in others})
        gap = find_gap(start, end, [(one.start, one.end) for one in others if enabled[one.account_id].enabled])
        if gap is not None:
            raise NobodyOnCall(shift.community_id, *gap)


def _accounts(
    work: UnitOfWork, audience: Audience, community_id: str, home_id: str, now: datetime
) -> Sequence[AccountRecord]:
    if audience in {Audience.DUTY_FIRST, Audience.DUTY_SECOND}:
        rank = 1 if audience is Audience.DUTY_FIRST else 2
        shifts = OncallRepository(work.session).list_shifts(community_id, now, rank)
        found = find_accounts(work, {shift.account_id for shift in shifts})
        return [found[shift.account_id] for shift in shifts if found[shift.account_id].enabled]
    if audience is Audience.COMMUNITY:
        return list_enabled(work, Role.WORKER, community_ids=[community_id])
    if audience is Audience.SUPERVISOR:
        return list_enabled(work, Role.SUPERVISOR, community_ids=[community_id, None])
    return list_enabled(work, Role.FAMILY, home_id=home_id)


def _recipients(accounts: Iterable[AccountRecord]) -> list[Recipient]:
    found = {
        one.id: Recipient(one.id, one.name, one.login, one.community_id, one.locale, family=one.role is Role.FAMILY)
        for one in accounts
    }
    return list(found.values())
