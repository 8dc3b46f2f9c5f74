"""What the platform is told by its environment (prefix `ANJU_`); described for operators in docs/operations.md."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from anju_wire.clock import Clock

_SHORTEST_SECRET = 8
_PLACEHOLDERS = frozenset(
    {"changeme", "change-me", "password", "secret", "admin", "anju", "default", "test", "example", "token", "12345678"}
)
_DATABASES = frozenset({"sqlite", "postgresql+psycopg"})
_SERIES = ("duckdb:///", "influx+http://", "influx+https://")


class InvalidSettings(ValueError):
    """The environment cannot be used; names each variable and what is wrong, never a value that may be secret."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in faults.items()))
        self.faults = faults


class Settings(BaseSettings):
    """One process's settings. There is no default secret: what protects something must be given."""

    model_config = SettingsConfigDict(
        env_prefix="ANJU_", frozen=True, extra="ignore", hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    database_url: SecretStr = SecretStr("sqlite:///anju.sqlite3")
    """`sqlite:///PATH` or `postgresql+psycopg://USER:PASSWORD@HOST/NAME`."""
    database_owner_url: SecretStr | None = None
    """Of PostgreSQL: the owner of the tables, for `anju platform migrate` alone; `database_url` then owns nothing."""
    series_url: str = "duckdb:///anju.duckdb"
    """`duckdb:///PATH` or `influx+http(s)://HOST:PORT/BUCKET`."""
    influx_org: str = "anju"
    influx_token: SecretStr | None = None
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = Field(default=1883, ge=1, le=65535)
    mqtt_username: str = ""
    mqtt_password: SecretStr | None = None
    mqtt_ca: Path | None = None
    """Certificate authority that signs the broker's certificate; TLS is used when it is set."""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8780, ge=0, le=65535)
    public_url: str = ""
    """Where people reach the platform, as in `https://anju.example.org`; messages then link to it."""
    https_only: bool = False
    """Whether people reach the platform through TLS: cookies are then marked so, and HSTS is sent."""
    trusted_proxies: tuple[str, ...] = ()
    """JSON: addresses or networks of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    metrics_token: SecretStr | None = None
    """Bearer token for `/metrics` from other machines; the same machine needs none."""
    apprise: dict[str, SecretStr] = {}
    """JSON: name → Apprise URL, as in `{"duty-wecom": "wecombot://…"}`."""
    clock: str = ""
    """`<real start>,<shown start>,<rate>`: a faster or shifted clock for simulation."""
    sim_control: bool = False
    """Let the tester's panel drive the simulator over the broker."""

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _database_is_known(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            url = make_url(value.get_secret_value())
        except ArgumentError:
            raise ValueError("is not a database URL") from None
        if url.drivername not in _DATABASES:
            raise ValueError(f"wants one of {sorted(_DATABASES)}, not {url.drivername!r}")
        if url.password is not None and str(url.password).lower() in _PLACEHOLDERS:
            raise ValueError("holds a placeholder password; set a real one")
        return value

    @field_validator("series_url")
    @classmethod
    def _series_is_known(cls, value: str) -> str:
        if not value.startswith(_SERIES) or value in _SERIES:
            raise ValueError("wants duckdb:///PATH or influx+http(s)://HOST:PORT/BUCKET")
        return value

    @field_validator("influx_token", "mqtt_password", "metrics_token")
    @classmethod
    def _secret_is_strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        if text.lower() in _PLACEHOLDERS or len(text) < _SHORTEST_SECRET:
            raise ValueError(f"is a placeholder or shorter than {_SHORTEST_SECRET} characters; make a random one")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                network = ip_network(one, strict=False)
            except ValueError:
                raise ValueError(f"{one!r} is no IP address or network") from None
            if network.prefixlen == 0:
                raise ValueError("would believe everybody; name the proxy")
        return value

    @field_validator("clock")
    @classmethod
    def _clock_is_readable(cls, value: str) -> str:
        Clock.parse(value)
        return value

    @model_validator(mode="after")
    def _secrets_are_given(self) -> Self:
        if self.series_url.startswith("influx") and self.influx_token is None:
            raise ValueError("ANJU_INFLUX_TOKEN is needed for a series_url of InfluxDB")
        if self.mqtt_username and self.mqtt_password is None:
            raise ValueError("ANJU_MQTT_PASSWORD is needed with ANJU_MQTT_USERNAME")
        if self.mqtt_password is not None and self.mqtt_ca is None and not is_loopback(self.mqtt_host):
            raise ValueError("ANJU_MQTT_CA is needed: the broker's password would cross the network in clear")
        return self

    def parsed_clock(self) -> Clock:
        """The clock that all times come from."""
        return Clock.parse(self.clock)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load(**given: object) -> Settings:
    """Read the environment, `given` taking precedence; raises `InvalidSettings` that names what is wrong."""
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = {
            "ANJU_" + ".".join(str(part) for part in fault["loc"]).upper() if fault["loc"] else "ANJU_*": fault["msg"]
            for fault in error.errors(include_input=False, include_url=False)
        }
        raise InvalidSettings(faults) from None
