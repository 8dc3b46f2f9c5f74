"""Which alarm messages were stored, by number and content, in the database, so that who takes over knows them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import delete, insert, select, tuple_

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.ingest.models import AlarmDigest

MOST_DIGESTS = 1000
"""Kept of one gateway, the newest. An older message that comes again is known by the alert that it raised."""
_PRUNE_EVERY = 64
MessageNumber = tuple[str, int, int]
"""Gateway, epoch and sequence number of a message of the alarm lane."""


class AlarmLedger:
    """Reads and writes digests within a unit of work. Used by one thread."""

    def __init__(self) -> None:
        self._added: Counter[str] = Counter()

    def read_digests(self, work: UnitOfWork, numbers: Collection[MessageNumber]) -> Mapping[MessageNumber, set[str]]:
        """Return the digests of all messages that were stored under each of these numbers."""
        columns = (AlarmDigest.gateway_id, AlarmDigest.epoch, AlarmDigest.seq)
        query = select(*columns, AlarmDigest.digest).where(tuple_(*columns).in_(numbers))
        found: dict[MessageNumber, set[str]] = defaultdict(set)
        for gateway, epoch, seq, digest in work.session.execute(query):
            found[gateway, epoch, seq].add(digest)
        return found

    def add_digests(self, work: UnitOfWork, digests: Mapping[MessageNumber, str]) -> None:
        """Note messages as stored; of a gateway that has more than `MOST_DIGESTS` the oldest are deleted."""
        now = work.clock.now()
        rows = [
            {"gateway_id": gateway, "epoch": epoch, "seq": seq, "digest": digest, "at": now}
            for (gateway, epoch, seq), digest in digests.items()
        ]
        if rows:
            work.session.execute(insert(AlarmDigest), rows)
        for gateway, _, _ in digests:
            self._added[gateway] += 1
            if self._added[gateway] % _PRUNE_EVERY == 0:
                self._prune(work, gateway)

    def _prune(self, work: UnitOfWork, gateway: str) -> None:
        mine = AlarmDigest.gateway_id == gateway
        newest = select(AlarmDigest.at).where(mine).order_by(AlarmDigest.at.desc()).offset(MOST_DIGESTS).limit(1)
        last = work.session.scalar(newest)
        if last is not None:
            work.session.execute(delete(AlarmDigest).where(mine, AlarmDigest.at <= last))
