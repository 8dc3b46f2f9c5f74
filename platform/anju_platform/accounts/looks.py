"""Writes down who looked at whose data, where the data are read: whatever shows them later cannot forget it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from anju_core.actor import Actor
from anju_platform.accounts import repository
from anju_platform.accounts.models import AuditEvent
from anju_platform.db.unit_of_work import UnitOfWork

COALESCED = timedelta(minutes=10)
"""Looks of one person at one home for one reason within this time are one event: a page refreshes itself."""

COMMAND_LINE = "command_line"
"""Role of an event that a command wrote."""
_LONGEST_NAME = 100


def record_looks(work: UnitOfWork, actor: Actor, what: str, home_ids: Iterable[str], why: str = "") -> None:
    """Write that a person reads the data of homes: one event for each home and reason within `COALESCED`.

    A unit that only reads writes them once it has ended well, before its answer leaves; then nobody waits for the
    reading. When they cannot be written, the unit raises the database's error.
    """
    wanted = set(home_ids)
    if not wanted:
        return
    since = work.clock.now() - COALESCED
    known = repository.find_homes_looked_at(work.session, actor.account_id, what, why, since)
    fresh = [new_event(work, actor, what, home_id, why) for home_id in sorted(wanted - known)]
    if fresh:
        work.write_at_end(lambda session: repository.add_audit_events(session, fresh))


def record_command(work: UnitOfWork, who: str, what: str, about: str) -> None:
    """Write that somebody changed something at the command line, where nobody signs in.

    who: the operating system's user. what: the command. about: the account or place that it changed.
    """
    event = AuditEvent(
        id=work.new_id(),
        at=work.clock.now(),
        account_id=None,
        by_name=who[:_LONGEST_NAME],
        role=COMMAND_LINE,
        home_id=None,
        what=what,
        why=about,
    )
    work.write_at_end(lambda session: repository.add_audit_events(session, [event]))


def new_event(work: UnitOfWork, actor: Actor, what: str, home_id: str | None, why: str) -> AuditEvent:
    """Return an audit event of now that is not stored yet."""
    return AuditEvent(
        id=work.new_id(),
        at=work.clock.now(),
        account_id=actor.account_id,
        by_name=actor.name,
        role=actor.role.value,
        home_id=home_id,
        what=what,
        why=why,
    )
