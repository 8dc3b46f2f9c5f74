"""One district of the alarm benchmark: broker, database, platform, and who is told of a press."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from anju_cli.ports import free_port
from anju_platform.db.engine import make_engine
from anju_research.bench.servers import START_S, BenchFailed, run_broker, run_database, run_server
from anju_research.bench.stopwatch import HOST

LOGINS: Mapping[str, str] = {"duty_first": "worker", "duty_second": "worker2", "supervisor": "supervisor"}
"""Audiences of the seeded community, and who each is."""
_LATER_S = 86_400.0
_IN_FLIGHT = 100
"""As in the shipped configuration (deploy/mosquitto/mosquitto.conf)."""


@dataclass(frozen=True, slots=True)
class District:
    """A platform that serves and is connected to its broker."""

    broker_port: int
    http_port: int
    database_url: str
    servers: str
    homes: int

    def count_telemetry(self) -> float:
        """Return how many telemetry messages the platform has taken, from its metrics."""
        with urllib.request.urlopen(f"http://{HOST}:{self.http_port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        name = 'anju_ingest_messages_total{line="telemetry"}'
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def read_messages(self, login: str) -> list[tuple[str, str]]:
        """Return the home and the subject of each message to an address in the outbox, in the order of writing."""
        engine = make_engine(self.database_url)
        query = "SELECT payload, subject FROM outbox WHERE channel = 'apprise' AND address = :login ORDER BY id"
        with engine.connect() as link:
            rows = link.execute(text(query), {"login": login}).all()
        engine.dispose()
        return [((json.loads(row[0]) if isinstance(row[0], str) else row[0])["home_id"], row[1]) for row in rows]


@contextmanager
def run_district(
    homes: int, told: Sequence[str], addresses: Mapping[str, str], *, embedded: bool
) -> Iterator[District]:
    """Start everything anew; a press is told to the audiences `told` at once, and to nobody else for a day.

    addresses: Apprise URLs by login. Raises `BenchFailed`.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-bench-")))
        broker_port, broker = stack.enter_context(run_broker(place, embedded=embedded, in_flight=_IN_FLIGHT))
        url, database = stack.enter_context(run_database(place, embedded=embedded))
        http_port = free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")} | {
            "ANJU_DATABASE_URL": url,
            "ANJU_SERIES_URL": f"duckdb:///{place / 'series.duckdb'}",
            "ANJU_MQTT_PORT": str(broker_port),
            "ANJU_HTTP_PORT": str(http_port),
            "ANJU_APPRISE": json.dumps(dict(addresses)),
        }
        seed = ["platform", "seed", "--homes", str(homes), "--print-logins", str(place / "logins.json")]
        _run_once(seed, environment)
        _tell_at_once(url, told)
        serve = [sys.executable, "-m", "anju_cli", "platform", "serve"]
        log = place / "platform.log"
        stack.enter_context(run_server("the platform", serve, http_port, log, environment=environment))
        _await_health(http_port, log)
        yield District(broker_port, http_port, url, f"{broker}, {database}", homes)


def _run_once(words: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "anju_cli", *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchFailed(" ".join(words[:2]), done.stderr[-2000:])


def _tell_at_once(url: str, told: Sequence[str]) -> None:
    steps = [{"after_s": 0, "tell": list(told)}, {"after_s": _LATER_S, "tell": ["duty_first"]}]
    engine = make_engine(url)
    with engine.begin() as link:
        link.execute(
            text("UPDATE escalation_policy SET steps = :steps WHERE kind = 'sos'"), {"steps": json.dumps(steps)}
        )
    engine.dispose()


def _await_health(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/api/v1/health") as answer:
                if json.load(answer)["ingest"]:
                    return
        except (OSError, urllib.error.HTTPError):
            pass
        time.sleep(0.1)
    raise BenchFailed("the platform", log.read_text(errors="replace")[-2000:])
