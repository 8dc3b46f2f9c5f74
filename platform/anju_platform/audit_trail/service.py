"""Seals new entries in a job of its own, so that no alarm waits for the chain, and finds what was changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog

from anju_core.ids import made_at_s, uuid7
from anju_platform.audit_trail.chain import GENESIS, seal_digest
from anju_platform.audit_trail.models import Head, Seal
from anju_platform.audit_trail.repository import TrailRepository
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory

TRAILS = ("alert_event", "visit_event", "audit_event")
"""The tables whose entries are sealed: what was done about alarms and visits, and who looked at whose data."""
GRACE = timedelta(minutes=10)
"""How long an entry may take from being made to being committed, and then to being sealed."""
MOST_AT_ONCE = 500
"""Entries of a trail that one run seals: a backlog is sealed in many short transactions."""
_LOOK_BACK = timedelta(days=2)
_UUID7 = 7
log = structlog.get_logger("anju.audit_trail")


class Fault(StrEnum):
    """What is wrong with an entry or a link."""

    ALTERED = "altered"
    DELETED = "deleted"
    INSERTED = "inserted"
    """It came past the platform: after newer ones were sealed, or never sealed at all."""
    SEAL_MISSING = "seal_missing"
    REWRITTEN = "rewritten"
    """The chain no longer runs through a head that was kept."""


@dataclass(frozen=True, slots=True)
class TrailFinding:
    """One fault; `entry_id` is None where no entry can be named."""

    trail: str
    fault: Fault
    number: int | None
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class KeptHead:
    """The last link of a trail at some time, as it was kept outside the database."""

    trail: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found. `sealed`: links that were checked. `waiting`: entries that the next sealing will take."""

    findings: Sequence[TrailFinding]
    sealed: int
    waiting: int


class TrailSealer:
    """Seals what was added since the last run; belongs to the process that leads."""

    def __init__(self, work: WorkFactory) -> None:
        self._work = work
        self._last_run: datetime | None = None

    def seal_new_entries(self, now: datetime) -> int:
        """Seal up to `MOST_AT_ONCE` entries of each trail, store the day's heads, and return how many were sealed."""
        last_run = self._last_run if self._last_run is not None and self._last_run <= now else None
        with self._work() as work:
            sealed = sum(_seal_trail(work, trail, now, last_run) for trail in TRAILS)
            _keep_heads(work, now.date())
        self._last_run = now
        return sealed


def _seal_trail(work: UnitOfWork, trail: str, now: datetime, last_run: datetime | None) -> int:
    repository = TrailRepository(work.session)
    after = None if last_run is None else uuid7((now - _LOOK_BACK).timestamp(), bytes(10))
    rows = repository.list_unsealed(trail, after, MOST_AT_ONCE)
    last = repository.find_last(trail)
    number, before = (0, GENESIS) if last is None else (last.number, last.digest)
    seals = []
    for row in rows:
        number += 1
        late = _is_late(row["id"], last_run)
        before = seal_digest(before, trail, number, now, late=late, entry=dict(row))
        seal = Seal(trail=trail, number=number, entry_id=row["id"], sealed_at=now, late=late, digest=before)
        seals.append(seal)
        if late:
            log.error("entry_came_late", trail=trail, entry=str(row["id"]))
    repository.add_seals(seals)
    return len(seals)


def _is_late(entry_id: UUID, last_run: datetime | None) -> bool:
    """Tell whether an entry should have been there when the last run sealed: it was made long before."""
    if entry_id.version != _UUID7:
        return True
    return last_run is not None and made_at_s(entry_id) < (last_run - GRACE).timestamp()


def _keep_heads(work: UnitOfWork, day: date) -> None:
    repository = TrailRepository(work.session)
    if repository.has_head(day):
        return
    lasts = [last for trail in TRAILS if (last := repository.find_last(trail)) is not None]
    repository.add_heads([Head(day=day, trail=one.trail, number=one.number, digest=one.digest) for one in lasts])
    for one in lasts:
        log.info("audit_head", day=day.isoformat(), trail=one.trail, number=one.number, digest=one.digest)


def read_heads(work: UnitOfWork) -> list[KeptHead]:
    """Return the last link of each trail, to be kept elsewhere."""
    repository = TrailRepository(work.session)
    lasts = [last for trail in TRAILS if (last := repository.find_last(trail)) is not None]
    return [KeptHead(one.trail, one.number, one.digest) for one in lasts]


def verify_trails(work: UnitOfWork, kept: Iterable[KeptHead] = ()) -> Verification:
    """Check every link and entry, and that the chains run through the stored heads and those that were `kept`."""
    stored = [KeptHead(one.trail, one.number, one.digest) for one in TrailRepository(work.session).list_heads()]
    heads = [*stored, *kept]
    findings: list[TrailFinding] = []
    sealed = waiting = 0
    for trail in TRAILS:
        expected = {(one.number, one.digest) for one in heads if one.trail == trail}
        sealed += _check_links(work, trail, expected, findings)
        waiting += _check_unsealed(work, trail, findings)
    return Verification(findings, sealed, waiting)


def _check_links(work: UnitOfWork, trail: str, heads: set[tuple[int, str]], findings: list[TrailFinding]) -> int:
    number, count, before = 0, 0, {GENESIS}
    for seal, entry in TrailRepository(work.session).iterate_links(trail):
        lost = range(number + 1, seal.number)
        findings.extend(TrailFinding(trail, Fault.SEAL_MISSING, one, None) for one in lost)
        number, count = seal.number, count + 1
        heads -= {(seal.number, seal.digest)}
        # A changed entry leaves its link's digest as it was, a changed digest the entry: the next link tells which.
        computed = set() if entry is None else {_digest(one, seal, entry) for one in before}
        if entry is None:
            findings.append(TrailFinding(trail, Fault.DELETED, number, seal.entry_id))
        elif seal.digest not in computed and not lost:
            findings.append(TrailFinding(trail, Fault.ALTERED, number, seal.entry_id))
        elif seal.late:
            findings.append(TrailFinding(trail, Fault.INSERTED, number, seal.entry_id))
        before = {seal.digest, *computed}
    findings.extend(TrailFinding(trail, Fault.REWRITTEN, one, None) for one, _ in sorted(heads))
    return count


def _digest(before: str, seal: Seal, entry: Mapping[str, object]) -> str:
    return seal_digest(before, seal.trail, seal.number, seal.sealed_at, late=seal.late, entry=entry)


def _check_unsealed(work: UnitOfWork, trail: str, findings: list[TrailFinding]) -> int:
    waiting = 0
    for row in TrailRepository(work.session).list_unsealed(trail, None, None):
        if _is_late(row["id"], work.clock.now()):
            findings.append(TrailFinding(trail, Fault.INSERTED, None, row["id"]))
        else:
            waiting += 1
    return waiting
