"""Which alarm messages were stored, by number and content, in the database, so that who takes over knows them."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import delete, select

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.ingest.decode import StreamKey
from anju_platform.ingest.models import AlarmDigest

MOST_DIGESTS = 1000
"""Kept of one gateway, the newest. An older message that comes again is known by the alert that it raised."""
_PRUNE_EVERY = 64


class AlarmLedger:
    """Reads and writes digests within a unit of work. Used by one thread."""

    def __init__(self) -> None:
        self._added: Counter[str] = Counter()

    def read_digests(self, work: UnitOfWork, stream: StreamKey, seq: int) -> set[str]:
        """Return the digests of all messages that were stored under this number."""
        gateway, epoch, _ = stream
        query = select(AlarmDigest.digest).where(
            AlarmDigest.gateway_id == gateway, AlarmDigest.epoch == epoch, AlarmDigest.seq == seq
        )
        return set(work.session.scalars(query))

    def add_digest(self, work: UnitOfWork, stream: StreamKey, seq: int, digest: str) -> None:
        """Note a message as stored; of a gateway that has more than `MOST_DIGESTS` the oldest are deleted."""
        gateway, epoch, _ = stream
        row = AlarmDigest(gateway_id=gateway, epoch=epoch, seq=seq, digest=digest, at=work.clock.now())
        work.session.add(row)
        self._added[gateway] += 1
        if self._added[gateway] % _PRUNE_EVERY == 0:
            self._prune(work, gateway)

    def _prune(self, work: UnitOfWork, gateway: str) -> None:
        mine = AlarmDigest.gateway_id == gateway
        newest = select(AlarmDigest.at).where(mine).order_by(AlarmDigest.at.desc()).offset(MOST_DIGESTS).limit(1)
        last = work.session.scalar(newest)
        if last is not None:
            work.session.execute(delete(AlarmDigest).where(mine, AlarmDigest.at <= last))
