"""The district's store: InfluxDB 2. Measurement `reading`, tags home, device, room, quantity, field `value` or `text`.

Points are identified by their tags and their time in nanoseconds, so that a replay overwrites.
"""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import numpy as np
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.dialect import Dialect
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from anju_platform.timeseries.store import (
    Clip,
    Reading,
    Readings,
    SeriesRefused,
    SeriesUnavailable,
    Source,
    ns_of,
    s_of,
)
from anju_wire.clock import Clock

_MOST_KNOWN = 500_000
_TIMEOUT_MS = 10_000
_AT_ONCE = 10_000
_NEAR_S = 60.0
_DAY_S = 86_400.0
_PLAIN = Dialect(header=True, annotations=[])  # type: ignore[no-untyped-call]
_NEVER = (400, 413, 422)  # malformed, too large, outside what the bucket retains
_FAILURES = (InfluxDBError, ApiException, HTTPError, OSError)


class InfluxSeries:
    """Readings in a bucket."""

    def __init__(self, url: str, *, token: str, org: str, bucket: str, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._probes = itertools.count(1)
        self._client = InfluxDBClient(url, token, org=org, timeout=_TIMEOUT_MS, enable_gzip=True)
        self._bucket = bucket
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._prefixes: dict[Source, str] = {}
        self._sources: dict[tuple[str, str, str, str], Source] = {}

    def write_readings(self, readings: Readings) -> None:
        """Store a batch in one request."""
        if not readings:
            return
        prefixes = self._prefixes
        if len(prefixes) > _MOST_KNOWN:
            prefixes.clear()
        for source in set(readings.sources).difference(prefixes):
            prefixes[source] = _prefix(source)
        texts = readings.texts
        columns = zip(readings.sources, readings.times_ns().tolist(), readings.values, strict=True)
        lines = [
            f"{prefixes[source]} text={_string(texts[i])} {at_ns}"
            if i in texts
            else f"{prefixes[source]} value={value!r} {at_ns}"
            for i, (source, at_ns, value) in enumerate(columns)
        ]
        self._send("\n".join(lines))

    def _send(self, lines: str) -> None:
        try:
            self._writer.write(bucket=self._bucket, record=lines.encode())
        except ApiException as error:
            if error.status in _NEVER:
                raise SeriesRefused(_reason(error)) from error
            raise SeriesUnavailable(_reason(error)) from error
        except _FAILURES as error:
            raise SeriesUnavailable(_reason(error)) from error

    def read_home(
        self, home: str, start_s: float, end_s: float, quantities: Collection[str] | None = None
    ) -> list[Reading]:
        """A home's readings, by time."""
        return [reading for _, reading in self._rows(start_s, end_s, home, quantities)]

    def scan_readings(self, start_s: float, end_s: float, quantities: Sequence[str]) -> Iterator[tuple[str, Reading]]:
        """All homes' readings of these quantities, by time."""
        return iter(self._rows(start_s, end_s, None, quantities))

    def _rows(
        self, start_s: float, end_s: float, home: str | None, quantities: Collection[str] | None
    ) -> list[tuple[str, Reading]]:
        if end_s <= start_s or (quantities is not None and not quantities):
            return []
        wanted = ['r._measurement == "reading"']
        if home is not None:
            wanted.append(f"r.home == {_quoted(home)}")
        if quantities is not None:
            listed = " or ".join(f"r.quantity == {_quoted(str(one))}" for one in quantities)
            wanted.append(f"({listed})")
        # The room is a tag: of a device that was registered between two sendings two points stand, and count once.
        found: dict[tuple[float, str, str, str], tuple[str, Reading]] = {}
        for record in self._query(start_s, end_s, " and ".join(wanted)):
            home_id, reading = record["home"], _reading(record.values)
            found[reading.at_s, reading.device, reading.quantity, home_id] = (home_id, reading)
        return [found[identity] for identity in sorted(found)]

    def _range(self, start_s: float, end_s: float) -> str:
        span = f"start: time(v: {ns_of(start_s)}), stop: time(v: {ns_of(end_s)})"
        return f"from(bucket: {_quoted(self._bucket)}) |> range({span})"

    def _query(self, start_s: float, end_s: float, wanted: str) -> Iterator[Any]:
        flux = (
            f"{self._range(start_s, end_s)}"
            f" |> filter(fn: (r) => {wanted})"
            " |> map(fn: (r) => ({r with at_ns: int(v: r._time)}))"
        )
        try:
            for table in self._client.query_api().query(flux):
                yield from table.records
        except _FAILURES as error:
            raise SeriesUnavailable(_reason(error)) from error

    def read_peaks(self, start_s: float, end_s: float, quantities: Sequence[str], every_s: int) -> Iterator[Readings]:
        """The highest reading of each source and window, found by the server where the readings lie."""
        listed = " or ".join(f"r.quantity == {_quoted(str(one))}" for one in quantities)
        flux = (
            f"{self._range(start_s, end_s)}"
            f' |> filter(fn: (r) => r._measurement == "reading" and r._field == "value" and ({listed}))'
            f' |> aggregateWindow(every: {every_s}s, fn: max, createEmpty: false, timeSrc: "_start")'
            ' |> keep(columns: ["home", "device", "room", "quantity", "_time", "_value"])'
        )
        sources, times, values = [], [], []
        for row in self._csv(flux):
            key = (row["home"], row["device"], row["room"], row["quantity"])
            sources.append(self._sources.setdefault(key, Source(*key)))
            times.append(datetime.fromisoformat(row["_time"]).timestamp() // every_s * every_s)
            values.append(float(row["_value"]))
        order = np.argsort(np.array(times), kind="stable").tolist()
        for lo in range(0, len(order), _AT_ONCE):
            some = order[lo : lo + _AT_ONCE]
            yield Readings([sources[i] for i in some], [times[i] for i in some], [values[i] for i in some])

    def _csv(self, flux: str) -> Iterator[dict[str, str]]:
        """Rows of the answer as they come, without the types that the client would give them."""
        head: list[str] = []
        try:
            with closing(self._client.query_api().query_raw(flux, dialect=_PLAIN)) as answer:
                for row in csv.reader(io.TextIOWrapper(answer, encoding="utf-8", newline="")):
                    if not row:
                        head = []
                    elif not head:
                        head = row
                    else:
                        yield dict(zip(head, row, strict=False))
        except _FAILURES as error:
            raise SeriesUnavailable(_reason(error)) from error

    def write_clip(self, home: str, device: str, clip: Clip) -> None:
        """Keep a waveform as one point at its start."""
        data = base64.b64encode(clip.data).decode("ascii")
        tags = f"clip,home={_escaped(home)},device={_escaped(device)}"
        content = _string(json.dumps({"fs_hz": clip.fs_hz, "data": data, "start_s": clip.start_s}))
        self._send(f"{tags} clip={content} {ns_of(clip.start_s)}")

    def read_clip(self, home: str, near_s: float) -> Clip | None:
        """The home's clip nearest to a time."""
        wanted = f'r._measurement == "clip" and r.home == {_quoted(home)}'
        found = [json.loads(r.get_value()) for r in self._query(near_s - _NEAR_S, near_s + _NEAR_S, wanted)]
        clips = [Clip(row["start_s"], row["fs_hz"], base64.b64decode(row["data"])) for row in found]
        return min(clips, key=lambda c: abs(c.start_s + len(c.data) / 6 / c.fs_hz / 2 - near_s), default=None)

    def check_write(self) -> None:
        """Write the one point of this day in the measurement `probe`: the next writes over it.

        Not at a time for ever: a bucket with a retention refuses what is older.
        """
        day_s = self._clock.time() // _DAY_S * _DAY_S
        self._send(f"probe value={next(self._probes)}i {ns_of(day_s)}")

    def list_set_aside(self) -> list[str]:
        """Return nothing: the server looks after its files."""
        return []

    def close(self) -> None:
        """Release the connection."""
        self._writer.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]


def _reading(row: dict[str, Any]) -> Reading:
    value, text = (row["_value"], None) if row["_field"] == "value" else (None, row["_value"])
    if text is not None:
        text = text.replace("\r\n", "\n")  # the CSV that InfluxDB answers with ends lines so, inside values too
    return Reading(s_of(row["at_ns"]), row["device"], row["room"], row["quantity"], value, text)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n", 1)[0][:300]


def _prefix(source: Source) -> str:
    tags = (source.home, source.device, source.room, source.quantity)
    home, device, room, quantity = map(_escaped, tags)
    return f"reading,home={home},device={device},room={room},quantity={quantity}"


def _escaped(tag: str) -> str:
    """A tag's value in line protocol; one that would end the line is not a tag's value."""
    # Line protocol keeps a backslash as it stands, but two before a separator would end the tag: none is let through.
    clean = tag.replace("\n", " ").replace("\r", " ").replace("\\", "/")
    return clean.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _string(text: str) -> str:
    """A string field in line protocol: only the backslash and the quote are special."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted(text: str) -> str:
    """A Flux string literal that cannot be left from inside."""
    return json.dumps(text, ensure_ascii=False).replace("${", "\\${")
