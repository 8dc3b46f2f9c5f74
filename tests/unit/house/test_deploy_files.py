"""The deployment's files agree with the Compose specification, with each other and with the settings the code knows."""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import subprocess
import sys
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


def test_the_try_out_bus_lets_nobody_in_without_a_password(compose: dict[str, Any], tmp_path: Path) -> None:
    rules = (ROOT / "deploy/mosquitto/bus.conf").read_text(encoding="utf-8")
    assert "\nallow_anonymous false\n" in rules
    assert "\nuse_username_as_clientid true\n" in rules
    bus = compose["services"]["bus"]
    assert "command" not in bus, "the image's own command reads the configuration that is mounted"
    mounted = dict(volume.split(":")[:2][::-1] for volume in bus["volumes"])
    assert mounted["/mosquitto/config/mosquitto.conf"] == "./deploy/mosquitto/bus.conf"
    secrets = tmp_path / "secrets"
    command = [
        sys.executable,
        str(ROOT / "deploy" / "prepare"),
        "--host",
        "x",
        "--home",
        "home-01",
        "--out",
        str(secrets),
    ]
    subprocess.run(command, check=True, capture_output=True)
    named = [source for source in mounted.values() if "/secrets/" in source]
    named += [secret["file"] for secret in compose["secrets"].values()]
    assert len(named) == 5
    assert all((secrets / Path(source).name).exists() for source in named), named
    home = json.loads((ROOT / "deploy/fleet.json").read_text(encoding="utf-8"))["homes"][0]
    assert home["bus"]["username"] == home["home"]
    assert Path(home["bus"]["password_file"]).name in compose["services"]["gateway"]["secrets"]
    users = {line.partition(":")[0] for line in (secrets / "home-01.bus.passwords").read_text().splitlines()}
    assert users == {"home-01", "devices"}


def test_every_container_is_hardened(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert not service.get("privileged"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["tmpfs"][0].startswith("/tmp:"), name  # noqa: S108 - inside a container
        assert service["pids_limit"], name
        assert service["mem_limit"], name
        # The one that is root writes one file into a volume and ends; without capabilities it can do no more.
        assert (service["user"] == "0:0") == (name == "grafana-token"), name


def test_images_come_by_digest(compose: dict[str, Any]) -> None:
    named = [service["image"] for service in compose["services"].values() if "image" in service]
    built = [service["build"] for service in compose["services"].values() if "build" in service]
    named += [build["args"]["PYTHON_IMAGE"] for build in built]
    assert len(named) == len(compose["services"])
    assert all(re.fullmatch(r"\$\{[A-Z]+_IMAGE:\?[^}]+\}", image) for image in named), named
    for build in built:
        recipe = (ROOT / build["dockerfile"]).read_text(encoding="utf-8")
        assert set(re.findall(r"^FROM (\S+)", recipe, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


@pytest.mark.parametrize("answer", ["sha256:" + "a" * 64, ""])
def test_digests_are_asked_for_and_never_made_up(tmp_path: Path, answer: str) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\ntest -n '{answer}' && echo '{answer}'\n", encoding="utf-8")
    docker.chmod(0o755)
    out = tmp_path / "secrets"
    command = [sys.executable, str(ROOT / "deploy" / "prepare"), "--host", "anju.test", "--out", str(out)]
    path = f"{docker.parent}{os.pathsep}{os.environ['PATH']}"
    for _ in range(2):
        done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PATH": path})
    lines = (out / ".env").read_text(encoding="utf-8").splitlines()
    images = dict(line.split("=") for line in lines if "_IMAGE=" in line)
    assert len(lines) == len({line.partition("=")[0] for line in lines})
    if answer:
        assert images["POSTGRES_IMAGE"] == f"postgres:16@{answer}"
        assert len(images) == 5
    else:
        assert images == {}
        assert "POSTGRES_IMAGE" in done.stderr


def test_grafana_gets_a_token_that_reads(compose: dict[str, Any]) -> None:
    assert not any("TOKEN" in name for name in compose["services"]["grafana"]["environment"])
    source = (ROOT / "dashboards/grafana/provisioning/datasources/influxdb.yaml").read_text("utf-8")
    assert yaml.safe_load(source)["datasources"][0]["secureJsonData"]["token"] == "$__file{/run/anju/token}"
    script = (ROOT / "deploy" / "grafana-token").read_text(encoding="utf-8")
    assert "--read-bucket" in script
    assert not re.search("--write|--operator|--all-access", script)


def test_dashboards_ask_for_what_the_series_store_writes() -> None:
    dashboard = json.loads((ROOT / "dashboards/grafana/dashboards/homes.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    source = yaml.safe_load((ROOT / "dashboards/grafana/provisioning/datasources/influxdb.yaml").read_text("utf-8"))
    uid = source["datasources"][0]["uid"]
    assert all(panel["datasource"]["uid"] == uid for panel in dashboard["panels"])
