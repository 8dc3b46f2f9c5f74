"""The deployment's files agree with the Compose specification, with each other and with the settings the code knows."""

from __future__ import annotations

import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from anju_platform.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_compose_is_of_the_specification(compose: dict[str, Any]) -> None:
    schemas = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads((schemas / "compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.validate(compose, schema)


def test_the_platform_is_told_only_what_it_knows(compose: dict[str, Any]) -> None:
    known = {f"ANJU_{name.upper()}" for name in Settings.model_fields}
    told = {name for name in compose["services"]["platform"]["environment"] if name.startswith("ANJU_")}
    assert told
    assert told <= known


def test_the_composed_settings_are_accepted(compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in compose["services"]["platform"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+(:\?[^}]*)?\}", "a-long-random-secret-1f9c", value))
    settings = Settings()
    assert settings.series_url == "influx+http://influxdb:8086/anju"
    assert settings.mqtt_ca is not None


def test_nothing_secret_has_a_default(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", name):
                assert re.fullmatch(r"\$\{\w+(:\?[^}]*)?\}", value), name
    prepared = (ROOT / "deploy" / "prepare").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert all(f'"{name}"' in prepared for name in asked)


def test_every_mounted_or_built_file_is_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./") and "/secrets/" not in source:
                assert (ROOT / source).exists(), source
        if "build" in service:
            recipe = (ROOT / service["build"]["dockerfile"]).read_text(encoding="utf-8")
            for lock in re.findall(r"requirements/(\w+)\.txt", recipe):
                assert (ROOT / "requirements" / f"{lock}.txt").exists(), lock
            assert "\nUSER anju\n" in recipe


def test_only_the_broker_and_loopback_are_reached_from_outside(compose: dict[str, Any]) -> None:
    opened = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert opened.pop("mosquitto") == ["8883:8883"]
    assert all(port.startswith("127.0.0.1:") for ports in opened.values() for port in ports)


def test_dashboards_ask_for_what_the_series_store_writes() -> None:
    dashboard = json.loads((ROOT / "dashboards/grafana/dashboards/homes.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    source = yaml.safe_load((ROOT / "dashboards/grafana/provisioning/datasources/influxdb.yaml").read_text("utf-8"))
    uid = source["datasources"][0]["uid"]
    assert all(panel["datasource"]["uid"] == uid for panel in dashboard["panels"])
