"""Who is on duty, whom a step of escalation means, and the note that the next on duty must read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.errors import Invalid, NotFound, Refused
from anju_core.escalation import Audience
from anju_core.recipients import Recipient
from anju_core.vocabulary import Role
from anju_platform.accounts.models import Account
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.oncall.models import Handover, Shift
from anju_platform.oncall.repository import OncallRepository

RANKS = range(1, 10)
MAX_NOTE = 4000


class ShiftNotFound(NotFound):
    """No such shift, handover or community, or not for the asker to see."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no {what}")
        self.what = what


class RotaNotYours(Refused):
    """Only a supervisor (or an administrator) changes the rota."""

    def __init__(self, role: Role) -> None:
        super().__init__(f"role {role.value} may not change the rota")
        self.role = role


class InvalidShift(Invalid):
    """A shift or a note that cannot be kept."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} {why}")
        self.what = what
        self.why = why


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One person's turn."""

    shift_id: UUID
    account_id: UUID
    name: str
    phone: str
    rank: int
    start: datetime
    end: datetime


class OncallService:
    """The rota and what it answers."""

    def people(
        self, work: UnitOfWork, community_id: str, home_id: str, audiences: Iterable[Audience], now: datetime
    ) -> dict[Audience, list[Recipient]]:
        """Whom each audience means now; an empty list where it means nobody."""
        repository = OncallRepository(work.session)
        return {each: _recipients(_accounts(repository, each, community_id, home_id, now)) for each in audiences}

    def anybody(self, work: UnitOfWork, community_id: str) -> list[Recipient]:
        """Who is told when a whole policy reaches nobody: workers, then any supervisor, then administrators."""
        repository = OncallRepository(work.session)
        for accounts in (
            repository.workers(community_id),
            repository.supervisors(None),
            repository.administrators(),
        ):
            if accounts:
                return _recipients(accounts)
        return []

    def person(self, work: UnitOfWork, account_id: UUID) -> Recipient | None:
        """One person as a recipient; None when the account is gone or disabled."""
        account = OncallRepository(work.session).account(account_id)
        return None if account is None or account.disabled_at is not None else _recipients([account])[0]

    def current(self, work: UnitOfWork, community_id: str, now: datetime) -> list[OnDuty]:
        """Who is on duty, by rank."""
        return [
            OnDuty(shift.id, account.id, account.name, account.phone, shift.rank, shift.start, shift.end)
            for shift, account in OncallRepository(work.session).on_duty(community_id, now)
        ]

    def put_on(
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
        """Put somebody on the rota; raises `RotaNotYours`, `ShiftNotFound`, `InvalidShift`."""
        repository = self._rota(work, actor, community_id)
        account = repository.account(account_id)
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
        repository.add(shift)
        return shift

    def take_off(self, work: UnitOfWork, actor: Actor, shift_id: UUID) -> None:
        """Take a shift off the rota; raises `RotaNotYours`, `ShiftNotFound`."""
        shift = OncallRepository(work.session).shift(shift_id)
        if shift is None:
            raise ShiftNotFound(f"shift {shift_id}")
        self._rota(work, actor, shift.community_id).remove(shift)

    def hand_over(self, work: UnitOfWork, actor: Actor, community_id: str, note: str) -> Handover:
        """Leave a note that the next on duty must read; raises `ShiftNotFound`, `InvalidShift`."""
        self._seen(actor, community_id)
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
        OncallRepository(work.session).add(row)
        return row

    def read(self, work: UnitOfWork, actor: Actor, handover_id: UUID) -> Handover:
        """Say that a note was read; the first reader stays. Raises `ShiftNotFound`."""
        row = OncallRepository(work.session).handover(handover_id)
        if row is None:
            raise ShiftNotFound(f"handover {handover_id}")
        self._seen(actor, row.community_id)
        if row.read_at is None:
            row.read_by, row.read_at = actor.name, work.clock.now()
            work.session.flush()
        return row

    def unread(self, work: UnitOfWork, community_id: str) -> Sequence[Handover]:
        """Notes that nobody has read yet, oldest first."""
        return OncallRepository(work.session).unread(community_id)

    def latest(self, work: UnitOfWork, community_id: str, limit: int = 20) -> Sequence[Handover]:
        """The newest notes, newest first."""
        return OncallRepository(work.session).latest(community_id, limit)

    def _rota(self, work: UnitOfWork, actor: Actor, community_id: str) -> OncallRepository:
        self._seen(actor, community_id)
        repository = OncallRepository(work.session)
        if repository.community(community_id) is None:
            raise ShiftNotFound(f"community {community_id}")
        if actor.role not in {Role.SUPERVISOR, Role.ADMIN}:
            raise RotaNotYours(actor.role)
        return repository

    def _seen(self, actor: Actor, community_id: str) -> None:
        if not actor.may_see(community_id, None):
            raise ShiftNotFound(f"community {community_id}")


def _accounts(
    repository: OncallRepository, audience: Audience, community_id: str, home_id: str, now: datetime
) -> Sequence[Account]:
    if audience in {Audience.DUTY_FIRST, Audience.DUTY_SECOND}:
        rank = 1 if audience is Audience.DUTY_FIRST else 2
        return [account for _, account in repository.on_duty(community_id, now, rank)]
    if audience is Audience.COMMUNITY:
        return repository.workers(community_id)
    if audience is Audience.SUPERVISOR:
        return repository.supervisors(community_id)
    return repository.family(home_id)


def _recipients(accounts: Iterable[Account]) -> list[Recipient]:
    found = {
        account.id: Recipient(account.id, account.name, account.login, account.community_id, account.locale)
        for account in accounts
    }
    return list(found.values())
