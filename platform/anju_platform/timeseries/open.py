"""Opens the series store that a URL names."""

from __future__ import annotations

from urllib.parse import urlsplit

from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_platform.timeseries.influx import InfluxSeries
from anju_platform.timeseries.store import SeriesStore
from anju_wire.clock import Clock


def open_series(url: str, *, token: str = "", org: str = "anju", clock: Clock | None = None) -> SeriesStore:
    """Open `duckdb:///PATH`, `duckdb:///:memory:` or `influx+http(s)://HOST:PORT/BUCKET`; else raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme == "duckdb":
        return DuckDbSeries(url.removeprefix("duckdb:///"), clock)
    if parts.scheme in {"influx+http", "influx+https"}:
        address = f"{parts.scheme.removeprefix('influx+')}://{parts.netloc}"
        return InfluxSeries(address, token=token, org=org, bucket=parts.path.strip("/"), clock=clock)
    raise ValueError(f"no series store for {url!r}")
