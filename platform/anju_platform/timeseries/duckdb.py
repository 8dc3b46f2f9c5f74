"""The embedded store: a DuckDB file.

Rows are appended and duplicates resolved when read: an index over all readings would cost more than it saves. Strings
are kept once, in `source`; a row of `reading` is two integers and a number.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np

from anju_platform.timeseries.store import (
    NS,
    Clip,
    Reading,
    Readings,
    SeriesRefused,
    SeriesUnavailable,
    Source,
    ns_of,
    s_of,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS source (
    id INTEGER PRIMARY KEY, home VARCHAR, device VARCHAR, room VARCHAR, quantity VARCHAR);
CREATE TABLE IF NOT EXISTS reading (source INTEGER, at_ns BIGINT, value DOUBLE);
CREATE TABLE IF NOT EXISTS note (source INTEGER, at_ns BIGINT, text VARCHAR);
CREATE TABLE IF NOT EXISTS clip (home VARCHAR, device VARCHAR, start_s DOUBLE, fs_hz DOUBLE, data BLOB);
"""
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
_MEMORY = "512MB"
Row = tuple[int, str, str, str, float | None, str | None, str]


class DuckDbSeries:
    """Readings in one file (or `:memory:`), written by one thread at a time."""

    def __init__(self, path: Path | str) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = duckdb.connect(str(path), config={"threads": 1, "memory_limit": _MEMORY})
            self._db.execute(_SCHEMA)
        except duckdb.Error as error:
            raise SeriesUnavailable(str(error)) from error
        self._writing = threading.Lock()
        rows = self._db.execute("SELECT id, home, device, room, quantity FROM source").fetchall()
        self._ids: dict[tuple[str, str, str, str], int] = {row[1:]: row[0] for row in rows}
        self._known: dict[Source, int] = {}
        self._numbered = [_NOBODY]

    def write_readings(self, readings: Readings) -> None:
        """Append a batch in one transaction."""
        if not readings:
            return
        with self._writing:
            try:
                self._db.begin()
                self._append(readings)
                self._db.commit()
            except _NEVER as error:
                self._undo()
                raise SeriesRefused(str(error)) from error
            except duckdb.Error as error:
                self._undo()
                raise SeriesUnavailable(str(error)) from error

    def _undo(self) -> None:
        """Forget source numbers that were assigned in a transaction that was rolled back."""
        try:
            self._db.rollback()
            rows = self._db.execute("SELECT id, home, device, room, quantity FROM source").fetchall()
        except duckdb.Error:
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
        with self._writing:
            try:
                self._db.begin()
                self._db.execute(
                    "DELETE FROM clip WHERE home = ? AND device = ? AND start_s = ?", (home, device, clip.start_s)
                )
                self._db.execute(
                    "INSERT INTO clip VALUES (?, ?, ?, ?, ?)", (home, device, clip.start_s, clip.fs_hz, clip.data)
                )
                self._db.commit()
            except _NEVER as error:
                self._undo()
                raise SeriesRefused(str(error)) from error
            except duckdb.Error as error:
                self._undo()
                raise SeriesUnavailable(str(error)) from error

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
            self._db.close()


def _reading(row: Row) -> tuple[str, Reading]:
    at_ns, device, room, quantity, value, text, home = row
    return home, Reading(s_of(at_ns), device, room, quantity, value, text)
