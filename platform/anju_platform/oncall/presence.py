"""Whether a worker's open page would let her hear an alert."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from anju_core.actor import Actor
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.oncall.models import BoardPresence
from anju_platform.oncall.repository import OncallRepository

LASTS = timedelta(seconds=150)
"""How long a report counts: pages report each minute, which is how often timers run in a tab in the background."""


class Presence(StrEnum):
    """What is known of a worker's pages."""

    AUDIBLE = "audible"
    """A page is open that sounds."""
    SILENT = "silent"
    """A page is open; none sounds."""
    ABSENT = "absent"
    """No page is open."""


def report_presence(work: UnitOfWork, actor: Actor, *, audible: bool) -> None:
    """Store that the actor has a page open, and whether it would sound."""
    OncallRepository(work.session).save_presence(actor.account_id, work.clock.now(), audible=audible)


def find_presences(work: UnitOfWork, account_ids: Collection[UUID], now: datetime) -> Mapping[UUID, Presence]:
    """Return the presence of each of these accounts."""
    known = {row.account_id: row for row in OncallRepository(work.session).list_presences(account_ids)}
    return {each: _presence(known.get(each), now) for each in account_ids}


def _presence(row: BoardPresence | None, now: datetime) -> Presence:
    if row is None or now - row.seen_at > LASTS:
        return Presence.ABSENT
    return Presence.AUDIBLE if row.audible_at is not None and now - row.audible_at <= LASTS else Presence.SILENT
