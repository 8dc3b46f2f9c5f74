"""Since when the platform watches over a home: from the consent to monitoring until its withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from anju_core.scope import Scope
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.repository import ResidentRepository

MONITORING = "monitoring"
"""Scope of the consent by which a home is enrolled."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A home's time with the platform. `start` None: nobody there agreed to it; `end` None: it lasts."""

    community_id: str
    start: datetime | None
    end: datetime | None = None

    def clip(self, begin: datetime, end: datetime) -> tuple[datetime, datetime] | None:
        """Return the part of a time in which the home was enrolled; None where there is none."""
        if self.start is None:
            return None
        first, last = max(self.start, begin), end if self.end is None else min(self.end, end)
        return (first, last) if first < last else None


def list_enrolments(work: UnitOfWork, scope: Scope) -> Mapping[str, Enrolment]:
    """Return the enrolment of each home of a scope, by the home's id; of several residents the longest time counts."""
    found: dict[str, Enrolment] = {}
    for home_id, community_id, given_at, withdrawn_at in ResidentRepository(work.session).list_consents_of_homes(
        scope, MONITORING
    ):
        known = found.get(home_id, Enrolment(community_id, None))
        if given_at is None:
            found[home_id] = known
        elif known.start is None:
            found[home_id] = Enrolment(community_id, given_at, withdrawn_at)
        else:
            ends = None if known.end is None or withdrawn_at is None else max(known.end, withdrawn_at)
            found[home_id] = replace(known, start=min(known.start, given_at), end=ends)
    return found
