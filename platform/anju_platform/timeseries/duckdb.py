"""The embedded store: a DuckDB file.

Rows are appended and duplicates resolved when read: an index over all readings would cost more than it saves. Strings
are kept once, in `source`; a row of `reading` is two integers and a number.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import numpy as np
import structlog

from anju_platform.timeseries.duckdb_file import is_broken, is_busy, open_file
from anju_platform.timeseries.store import (
    NS,
    Clip,
    Reading,
    Readings,
    SeriesUnavailable,
    Source,
    ns_of,
    s_of,
)
from anju_wire.clock import Clock

_ROWS = """
SELECT at_ns, device, room, quantity, value, text, home FROM (
    SELECT s.home, s.device, s.room, s.quantity, r.at_ns, r.value, NULL AS text, r.rowid AS number
    FROM reading r JOIN source s ON s.id = r.source WHERE r.at_ns >= $start AND r.at_ns < $end {where}
    UNION ALL
    SELECT s.home, s.device, s.room, s.quantity, n.at_ns, NULL, n.text, n.rowid
    FROM note n JOIN source s ON s.id = n.source WHERE n.at_ns >= $start AND n.at_ns < $end {where}
) QUALIFY row_number() OVER (PARTITION BY home, device, quantity, at_ns ORDER BY number DESC) = 1
ORDER BY at_ns, device, quantity
"""
_PEAKS = """
SELECT source, at_ns // $every * $every AS from_ns, max(value) AS value FROM (
    SELECT r.source, r.at_ns, arg_max(r.value, r.rowid) AS value
    FROM reading r JOIN source s ON s.id = r.source
    WHERE r.at_ns >= $start AND r.at_ns < $end AND list_contains($quantities, s.quantity)
    GROUP BY r.source, r.at_ns
) GROUP BY source, from_ns ORDER BY from_ns
"""
_FETCH = 10_000
_NEVER = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
"""What the values of a batch are to blame for."""
_MOST_KNOWN = 500_000
_NEAR_S = 60.0
_NOBODY = Source("", "", "", "")
"""Numbers begin at 1."""
_REOPEN_S = 5.0
"""How often a file that could not be opened is tried again, s."""
log = structlog.get_logger("anju.series")
Row = tuple[int, str, str, str, float | None, str | None, str]


class DuckDbSeries:
    """Readings in one file (or `:memory:`), written by one thread at a time.

    A broken file is moved aside and a fresh one begun, at the start and while it runs; one that cannot be opened now is
    tried again, and until then every method raises `SeriesUnavailable`. The start itself raises it only where another
    process has the file open.
    """

    def __init__(self, path: Path | str, clock: Clock | None = None) -> None:
        self._path, self._clock = str(path), clock or Clock()
        if self._path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._writing = threading.RLock()
        self._set_aside: list[str] = []
        self._known: dict[Source, int] = {}
        self._numbered = [_NOBODY]
        self._ids: dict[tuple[str, str, str, str], int] = {}
        self._link: duckdb.DuckDBPyConnection | None = None
        self._probes, self._closed = 0, False
        self._tried_s = -math.inf
        try:
            self._open()
        except duckdb.Error as error:
            if is_busy(error):
                raise SeriesUnavailable(str(error)) from error
            log.exception("series_not_open", path=self._path)

    def list_set_aside(self) -> list[str]:
        """Return the paths of what was moved aside since the start because it was broken."""
        return list(self._set_aside)

    def _open(self) -> None:
        self._tried_s = time.monotonic()
        opened = open_file(self._path, f"{self._clock.now():%Y%m%dT%H%M%SZ}")
        if opened.set_aside:
            self._set_aside += [str(path) for path in opened.set_aside]
            log.error("series_set_aside", path=self._path, moved=[str(path) for path in opened.set_aside])
        rows = opened.link.execute("SELECT id, home, device, room, quantity FROM source").fetchall()
        self._ids = {row[1:]: row[0] for row in rows}
        self._known.clear()
        self._numbered = [_NOBODY]
        self._link = opened.link

    @property
    def _db(self) -> duckdb.DuckDBPyConnection:
        """The open file; opens it again where it failed. Raises `duckdb.Error`."""
        link = self._link
        if link is not None:
            return link
        with self._writing:
            if self._link is None:
                if self._closed or time.monotonic() - self._tried_s < _REOPEN_S:
                    raise duckdb.ConnectionException("the file is not open")
                self._open()
            return self._link  # type: ignore[return-value]  # `_open` has set it

    def write_readings(self, readings: Readings) -> None:
        """Append a batch in one transaction."""
        if readings:
            with self._transaction():
                self._append(readings)

    def check_write(self) -> None:
        """Store a number in a table of its own."""
        with self._transaction() as link:
            self._probes += 1
            link.execute("INSERT OR REPLACE INTO probe VALUES (1, ?)", [self._probes])

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._writing:
            try:
                link = self._db
                link.begin()
                yield link
                link.commit()
            except duckdb.Error as error:
                self._undo(error)
                raise SeriesUnavailable(str(error)) from error
            except BaseException as error:
                self._undo(error)
                raise

    def _undo(self, error: BaseException) -> None:
        """Forget source numbers that were assigned in a transaction that was rolled back."""
        link = self._link
        if link is None:
            return
        try:
            link.rollback()
            rows = link.execute("SELECT id, home, device, room, quantity FROM source").fetchall()
        except duckdb.Error as again:
            if is_broken(error) or is_broken(again):  # a file that failed once refuses everything until it is reopened
                self._link = None
                with suppress(duckdb.Error):
                    link.close()
            return
        self._ids = {row[1:]: row[0] for row in rows}
        self._known.clear()

    def _append(self, readings: Readings) -> None:
        known = self._known
        if len(known) > _MOST_KNOWN:
            known.clear()
        fresh = set(readings.sources).difference(known)
        if fresh:
            self._name(fresh)
        sources = np.fromiter(map(known.__getitem__, readings.sources), np.int32, len(readings))
        at_ns, values = readings.times_ns(), np.asarray(readings.values, np.float64)
        if readings.texts:
            rows = [(int(sources[i]), int(at_ns[i]), text) for i, text in readings.texts.items()]
            self._db.executemany("INSERT INTO note VALUES (?, ?, ?)", rows)
            numbers = np.ones(len(readings), bool)
            numbers[list(readings.texts)] = False
            sources, at_ns, values = sources[numbers], at_ns[numbers], values[numbers]
        if sources.size:
            # DuckDB finds the columns by the name of the local variable.
            batch = {"source": sources, "at_ns": at_ns, "value": values}
            self._db.execute("INSERT INTO reading SELECT source, at_ns, value FROM batch")
            del batch

    def _name(self, fresh: set[Source]) -> None:
        """Assign numbers to sources, and store all those that are new to the file at once."""
        new: dict[tuple[str, str, str, str], int] = {}
        for source in fresh:
            key = (source.home, source.device, source.room, source.quantity)
            number = self._ids.get(key)
            if number is None:
                number = new.setdefault(key, len(self._ids) + len(new) + 1)
            self._known[source] = number
        if new:
            columns = [list(new.values()), *(list(column) for column in zip(*new, strict=True))]
            self._db.execute(f"INSERT INTO source SELECT {', '.join(['unnest(?)'] * len(columns))}", columns)
            self._ids |= new

    def read_home(
        self, home: str, start_s: float, end_s: float, quantities: Collection[str] | None = None
    ) -> list[Reading]:
        """A home's readings, by time."""
        return [reading for _, reading in self._rows(start_s, end_s, home, quantities)]

    def scan_readings(self, start_s: float, end_s: float, quantities: Sequence[str]) -> Iterator[tuple[str, Reading]]:
        """All homes' readings of these quantities, by time."""
        return self._rows(start_s, end_s, None, quantities)

    def _rows(
        self, start_s: float, end_s: float, home: str | None, quantities: Collection[str] | None
    ) -> Iterator[tuple[str, Reading]]:
        where, given = "", {"start": ns_of(start_s), "end": ns_of(end_s)}
        parameters: dict[str, object] = dict(given)
        if home is not None:
            where, parameters["home"] = "AND s.home = $home", home
        if quantities is not None:
            where, parameters["quantities"] = f"{where} AND list_contains($quantities, s.quantity)", list(quantities)
        try:
            cursor = self._db.cursor().execute(_ROWS.format(where=where), parameters)
            while rows := cursor.fetchmany(_FETCH):
                yield from map(_reading, rows)
        except duckdb.Error as error:
            raise SeriesUnavailable(str(error)) from error

    def read_peaks(self, start_s: float, end_s: float, quantities: Sequence[str], every_s: int) -> Iterator[Readings]:
        """The highest reading of each source and window."""
        given = {"start": ns_of(start_s), "end": ns_of(end_s), "every": every_s * NS, "quantities": list(quantities)}
        try:
            columns = self._db.cursor().execute(_PEAKS, given).fetchnumpy()
        except duckdb.Error as error:
            raise SeriesUnavailable(str(error)) from error
        by_number = self._by_number()
        at_s, values = columns["from_ns"] / NS, columns["value"]
        for lo in range(0, len(at_s), _FETCH):
            some = slice(lo, lo + _FETCH)
            sources = [by_number[number] for number in columns["source"][some].tolist()]
            yield Readings(sources, at_s[some].tolist(), values[some].tolist())

    def _by_number(self) -> list[Source]:
        """Return the sources by their number in the file, the same objects every time."""
        with self._writing:
            known = len(self._numbered)
            if len(self._ids) >= known:
                new = sorted((number, key) for key, number in self._ids.items() if number >= known)
                self._numbered += [Source(*key) for _, key in new]
        return self._numbered

    def write_clip(self, home: str, device: str, clip: Clip) -> None:
        """Keep a waveform; the same one again replaces it."""
        with self._transaction() as link:
            link.execute("DELETE FROM clip WHERE home = ? AND device = ? AND start_s = ?", (home, device, clip.start_s))
            link.execute("INSERT INTO clip VALUES (?, ?, ?, ?, ?)", (home, device, clip.start_s, clip.fs_hz, clip.data))

    def read_clip(self, home: str, near_s: float) -> Clip | None:
        """The home's clip nearest to a time."""
        query = """SELECT start_s, fs_hz, data FROM clip WHERE home = $home AND abs(start_s - $near) <= $limit
                   ORDER BY abs(start_s + octet_length(data) / 6 / fs_hz / 2 - $near) LIMIT 1"""
        try:
            row = self._db.cursor().execute(query, {"home": home, "near": near_s, "limit": _NEAR_S}).fetchone()
        except duckdb.Error as error:
            raise SeriesUnavailable(str(error)) from error
        return Clip(*row) if row else None

    def close(self) -> None:
        """Write everything into the file and release it."""
        with self._writing:
            self._closed, link, self._link = True, self._link, None
            if link is not None:
                link.close()


def _reading(row: Row) -> tuple[str, Reading]:
    at_ns, device, room, quantity, value, text, home = row
    return home, Reading(s_of(at_ns), device, room, quantity, value, text)
