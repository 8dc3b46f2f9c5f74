"""Settings: what is wrong is named, and no placeholder protects anything."""

from __future__ import annotations

import pytest

from anju_platform.settings import InvalidSettings, Settings, is_loopback, load


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ANJU_{name.upper()}", raising=False)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_DATABASE_URL", "postgresql+psycopg://anju:a-long-one@db/anju")
    monkeypatch.setenv("ANJU_APPRISE", '{"duty": "json://localhost/secret-path"}')
    monkeypatch.setenv("ANJU_CLOCK", "0,100,2")
    settings = load()
    assert settings.database_url.get_secret_value().endswith("@db/anju")
    assert settings.apprise["duty"].get_secret_value() == "json://localhost/secret-path"
    assert settings.parsed_clock().rate == 2
    assert "a-long-one" not in repr(settings)
    assert "secret-path" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"database_url": "mysql://x/y"}, "ANJU_DATABASE_URL"),
        ({"database_url": "nonsense"}, "ANJU_DATABASE_URL"),
        ({"database_url": "postgresql+psycopg://anju:changeme@db/anju"}, "ANJU_DATABASE_URL"),
        ({"series_url": "duckdb:///"}, "ANJU_SERIES_URL"),
        ({"series_url": "mongodb://x"}, "ANJU_SERIES_URL"),
        ({"mqtt_port": 70000}, "ANJU_MQTT_PORT"),
        ({"mqtt_username": "platform", "mqtt_password": "password"}, "ANJU_MQTT_PASSWORD"),
        ({"metrics_token": "short"}, "ANJU_METRICS_TOKEN"),
        ({"clock": "1,2"}, "ANJU_CLOCK"),
        ({"http_port": "eighty"}, "ANJU_HTTP_PORT"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(**given)
    assert list(caught.value.faults) == [named]
    assert "changeme" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"series_url": "influx+http://127.0.0.1:8086/anju"}, "ANJU_INFLUX_TOKEN"),
        ({"mqtt_username": "platform"}, "ANJU_MQTT_PASSWORD"),
        ({"mqtt_host": "broker", "mqtt_username": "platform", "mqtt_password": "a-long-one"}, "ANJU_MQTT_CA"),
    ],
)
def test_secrets_are_asked_for_and_kept_off_the_open_network(given: dict[str, object], missing: str) -> None:
    with pytest.raises(InvalidSettings, match=missing):
        load(**given)


@pytest.mark.parametrize(("host", "loopback"), [("localhost", True), ("127.0.0.9", True), ("::1", True), ("db", False)])
def test_loopback_is_this_machine(host: str, loopback: bool) -> None:  # noqa: FBT001
    assert is_loopback(host) is loopback
