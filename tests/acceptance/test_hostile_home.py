"""The first whole path while a stranger holds one home's gateway: no message of it may stop or delay another home."""

from __future__ import annotations

from pathlib import Path

import pytest
from acceptance.district import play
from acceptance.hostile_home import FLOOD, HostileHome
from acceptance.test_scenario import check_verdict
from fixtures.influx import InfluxServer
from fixtures.mosquitto import need_mosquitto

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HOSTILE = "home-06"
"""The scenario casts the first homes that have its devices; this one is free."""


def _play_beside(folder: Path, *words: str, env: dict[str, str] | None = None) -> None:
    with HostileHome(HOSTILE, folder) as hostile:
        check_verdict(play(folder, *words, env=env))
    assert hostile.rounds > 1
    assert hostile.sent["flood"] == FLOOD
    kinds = {"nested", "bytes", "nul", "fall id", "epoch", "clip", "times", "numbers", "cancel", "strangers", "epochs"}
    assert kinds <= hostile.sent.keys()


def test_embedded(tmp_path: Path) -> None:
    _play_beside(tmp_path)


def test_over_mosquitto_and_postgresql(tmp_path: Path, postgres_url: str) -> None:
    need_mosquitto()
    _play_beside(tmp_path, "--broker", "mosquitto", "--database", postgres_url)


def test_over_mosquitto_postgresql_and_influxdb(tmp_path: Path, postgres_url: str, influx: InfluxServer) -> None:
    need_mosquitto()
    url = f"influx+{influx.url}/{influx.make_bucket()}"
    env = {"ANJU_INFLUX_TOKEN": influx.token, "ANJU_INFLUX_ORG": influx.org}
    _play_beside(tmp_path, "--broker", "mosquitto", "--database", postgres_url, "--series", url, env=env)
