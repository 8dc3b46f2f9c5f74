"""Which numbers of each stream are stored, kept in memory and in the database. Used by one thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Executable, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.ingest.decode import StreamKey
from anju_platform.ingest.duplicates import Run, SequenceTracker
from anju_platform.ingest.models import IngestCursor
from anju_wire.vocabulary import Lane

_COLUMNS = (IngestCursor.gateway_id, IngestCursor.epoch, IngestCursor.lane, IngestCursor.first, IngestCursor.upto)
MOST_EPOCHS = 16
"""Epochs remembered of a gateway's lane: a spool begins a new one only when it is lost."""
_LANES = frozenset(str(lane) for lane in Lane)
_THIS = (
    IngestCursor.gateway_id == bindparam("of_gateway"),
    IngestCursor.epoch == bindparam("of_epoch"),
    IngestCursor.lane == bindparam("of_lane"),
)
_FORGET = delete(IngestCursor.__table__).where(*_THIS)  # type: ignore[arg-type]


def _upsert(insert: Callable[..., postgresql.Insert | sqlite.Insert]) -> Executable:
    row = insert(IngestCursor.__table__)
    place = {"first": row.excluded["first"], "upto": row.excluded["upto"]}
    return row.on_conflict_do_update(index_elements=["gateway_id", "epoch", "lane"], set_=place)


_SAVE = {"postgresql": _upsert(postgresql.insert), "sqlite": _upsert(sqlite.insert)}
"""Writes a cursor, by the name of the database's dialect. Whether it has a row need not be asked."""


class CursorStore:
    """Trackers of all streams; loads every cursor from the database at the first `find_tracker`."""

    def __init__(self, work: WorkFactory) -> None:
        self._work = work
        self._loaded = False
        self._trackers: dict[StreamKey, SequenceTracker] = {}
        self._saved: dict[StreamKey, Run | None] = {}
        self._epochs: dict[tuple[str, Lane], list[int]] = {}
        self._forgotten: set[StreamKey] = set()

    def find_tracker(self, key: StreamKey) -> SequenceTracker:
        """Return the stream's tracker, an empty one for a new stream; copy it before changing it."""
        if not self._loaded:
            self._load()
        if key not in self._trackers:
            self._remember(key, None)
        return self._trackers[key]

    def _remember(self, key: StreamKey, run: Run | None) -> None:
        """Begin to track a stream; of a gateway with more epochs than any spool has, forget the one begun first."""
        gateway, epoch, lane = key
        self._trackers[key], self._saved[key] = SequenceTracker([] if run is None else [run]), run
        self._forgotten.discard(key)
        epochs = self._epochs.setdefault((gateway, lane), [])
        epochs.append(epoch)
        if len(epochs) > MOST_EPOCHS:
            oldest = (gateway, epochs.pop(0), lane)
            del self._trackers[oldest], self._saved[oldest]
            self._forgotten.add(oldest)

    def _load(self) -> None:
        """Load all cursors in one query: after a restart every home speaks within a second."""
        with self._work() as work:
            work.only_read()
            rows = work.session.execute(select(*_COLUMNS).order_by(IngestCursor.epoch))
            for gateway, epoch, lane, first, upto in rows:
                if lane in _LANES and first <= upto and (gateway, epoch, lane) not in self._trackers:
                    self._remember((gateway, epoch, Lane(lane)), (first, upto))
        self._loaded = True

    def replace_tracker(self, key: StreamKey, stream: SequenceTracker) -> None:
        """Make `stream` the stream's tracker, once the messages that it counts are stored."""
        if key not in self._trackers:
            self._remember(key, None)
        self._trackers[key] = stream

    def list_unsaved(self) -> dict[StreamKey, Run]:
        """Return the longest run of each stream where it has changed since it was last saved."""
        runs = ((key, stream.longest_run()) for key, stream in self._trackers.items())
        return {key: run for key, run in runs if run is not None and run != self._saved[key]}

    def save_cursors(self, work: UnitOfWork, moved: Mapping[StreamKey, Run]) -> None:
        """Write runs within `work`: the transaction of the messages or a later one (an old cursor costs resends)."""
        if self._forgotten:
            gone = [
                {"of_gateway": gateway, "of_epoch": epoch, "of_lane": lane.value}
                for gateway, epoch, lane in self._forgotten - moved.keys()
            ]
            if gone:
                work.session.connection().execute(_FORGET, gone)
        rows = [
            {"gateway_id": gateway, "epoch": epoch, "lane": lane.value, "first": first, "upto": upto}
            for (gateway, epoch, lane), (first, upto) in moved.items()
        ]
        if rows:
            connection = work.session.connection()
            connection.execute(_SAVE[connection.dialect.name], rows)

    def mark_saved(self, moved: Mapping[StreamKey, Run]) -> None:
        """Remember these runs as saved; call it after the transaction of `save_cursors` is committed."""
        self._saved.update({key: run for key, run in moved.items() if key in self._trackers})
        self._forgotten.clear()
