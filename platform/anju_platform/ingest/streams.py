"""How far each stream is stored, remembered in the records. Used by one thread."""

from __future__ import annotations

from sqlalchemy import select

from anju_platform.devices.models import IngestCursor
from anju_platform.ingest.decode import StreamKey
from anju_platform.ingest.duplicates import Stream
from anju_platform.records.work import UnitOfWork, WorkFactory


class Streams:
    """The streams of some lanes; read from the records when first met."""

    def __init__(self, work: WorkFactory) -> None:
        self._work = work
        self._streams: dict[StreamKey, Stream] = {}
        self._saved: dict[StreamKey, int] = {}

    def get(self, key: StreamKey) -> Stream:
        """The stream as far as it is taken."""
        if key not in self._streams:
            with self._work() as work:
                row = work.session.get(IngestCursor, _primary(key))
            upto = 0 if row is None else row.upto
            self._streams[key], self._saved[key] = Stream(upto), upto
        return self._streams[key]

    def put(self, key: StreamKey, stream: Stream) -> None:
        """What was tried is stored now."""
        self._streams[key] = stream

    def dirty(self) -> list[StreamKey]:
        """Streams that went on since they were last saved."""
        return [key for key, stream in self._streams.items() if stream.upto > self._saved[key]]

    def save(self, work: UnitOfWork, moved: dict[StreamKey, int]) -> None:
        """Write cursors, inside the transaction of what they stand for (or later: an old cursor only costs work)."""
        keys = [_primary(key) for key in moved]
        query = select(IngestCursor).where(IngestCursor.gateway_id.in_({gateway for gateway, _, _ in keys}))
        known = {(row.gateway_id, row.epoch, row.lane): row for row in work.session.scalars(query)}
        for key, upto in moved.items():
            row = known.get(_primary(key))
            if row is None:
                gateway, epoch, lane = _primary(key)
                work.session.add(IngestCursor(gateway_id=gateway, epoch=epoch, lane=lane, upto=upto))
            else:
                row.upto = max(row.upto, upto)

    def saved(self, moved: dict[StreamKey, int]) -> None:
        """The transaction that saved them is committed."""
        self._saved.update(moved)


def _primary(key: StreamKey) -> tuple[str, int, str]:
    gateway, epoch, lane = key
    return gateway, epoch, lane.value
