"""A home's gateway as its configuration file describes it (TOML, JSON, or YAML where PyYAML is installed).

One home: the file holds the fields of `HomeSettings`, each of which the environment may override
(`ANJU_GATEWAY_UPLINK__PASSWORD`, …). Several homes in one process: the file holds `homes`, a list of the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from anju_gateway.mqtt import Endpoint
from anju_gateway.registry import Device
from anju_gateway.spool import DEFAULT_LIMIT_BYTES
from anju_wire.profiles import PROFILES, DeviceKind
from anju_wire.vocabulary import Room, WearPosition

_SLUG = r"^[a-z0-9][a-z0-9-]{0,62}$"
_DEVICE_ID = r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,62}$"
_LIST_FILE = "homes"


class InvalidConfiguration(ValueError):
    """A configuration file that cannot be used; `problems` says where and why."""

    def __init__(self, path: Path, problems: Iterable[str]) -> None:
        self.path, self.problems = path, tuple(problems)
        super().__init__(f"{path}: " + "; ".join(self.problems))


class BrokerSettings(BaseModel):
    """A broker's address and this gateway's credential; `password_file` keeps the password out of the file."""

    model_config = ConfigDict(extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    username: str | None = None
    password: str | None = None
    password_file: Path | None = None
    ca: str | None = None
    """File of the certificate authority, `system`, or none for a plain connection."""

    def endpoint(self, *, backup: bool = False) -> Endpoint:
        """Return the address and credential; reads the password file and raises `OSError` where it is missing."""
        password = self.password or ""
        if self.password_file is not None:
            password = self.password_file.read_text(encoding="utf-8").strip()
        return Endpoint(self.host, self.port, self.username or "", password, self.ca or "", backup)


class BusSettings(BrokerSettings):
    """The home's local bus. Who can publish on it can also hold a press away: over a network it needs a credential.

    anonymous: let it go without one all the same, where nothing else reaches the bus (a network of its own).
    patience_s: a bus that is away for so long is reported: the home cannot be seen.
    """

    anonymous: bool = False
    patience_s: float = Field(default=30.0, ge=1.0, le=600.0)

    @model_validator(mode="after")
    def _require_credential(self) -> Self:
        has_one = self.username and (self.password or self.password_file)
        if not has_one and not self.anonymous and not _is_loopback(self.host):
            raise ValueError("username and password are needed beyond this machine, or `anonymous = true`")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class DeviceSettings(BaseModel):
    """A device of the home. `name` is zigbee2mqtt's friendly name where it differs from the id."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(pattern=_DEVICE_ID)
    kind: DeviceKind
    room: Room | None = None
    """None: the room that the profile of its kind assumes."""
    position: WearPosition | None = None
    name: str = ""

    def to_device(self) -> Device:
        """Return the device for the registry."""
        room = self.room or PROFILES[self.kind].room
        return Device(self.id, self.kind, room, self.position or WearPosition.WAIST, self.name)


class HomeSettings(BaseSettings):
    """One home's gateway."""

    model_config = SettingsConfigDict(
        extra="ignore", env_prefix="ANJU_GATEWAY_", env_nested_delimiter="__", nested_model_default_partial_update=True
    )

    home: str = Field(pattern=_SLUG)
    community: str = Field(pattern=_SLUG)
    gateway: str = Field(pattern=_DEVICE_ID)
    spool: Path
    spool_limit_bytes: int = Field(default=DEFAULT_LIMIT_BYTES, ge=1_000_000)
    uplink: BrokerSettings
    backup: BrokerSettings | None = None
    """A broker of the same platform that is reached over another line."""
    bus: BusSettings
    devices: list[DeviceSettings] = []
    annunciators: list[Literal["mqtt", "console"]] = ["mqtt"]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings

    def endpoints(self) -> list[Endpoint]:
        """Return the brokers by which the platform is reached, the usual one first."""
        spare = [self.backup.endpoint(backup=True)] if self.backup else []
        return [self.uplink.endpoint(), *spare]


class FleetHomeSettings(HomeSettings):
    """A home among several: the environment cannot say which one it means."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The file alone."""
        return (init_settings,)


def load_home(path: Path | None) -> HomeSettings:
    """Read one home from a file, the environment, or both. Raises `InvalidConfiguration`."""
    return _build(HomeSettings, _read(path) if path else {}, path or Path("environment"))


def load_fleet(path: Path) -> list[HomeSettings]:
    """Read several homes from one file. Raises `InvalidConfiguration`."""
    content = _read(path)
    homes = content.get(_LIST_FILE)
    if not isinstance(homes, list) or not homes:
        raise InvalidConfiguration(path, [f"`{_LIST_FILE}` must be a list of at least one home"])
    fleet: list[HomeSettings] = [_build(FleetHomeSettings, home, path) for home in homes]
    for what in ("gateway", "spool"):
        seen = [str(getattr(home, what)) for home in fleet]
        if twice := sorted({value for value in seen if seen.count(value) > 1}):
            raise InvalidConfiguration(path, [f"`{what}` {value} is used by two homes" for value in twice])
    return fleet


def _build(kind: type[HomeSettings], content: dict[str, Any], path: Path) -> HomeSettings:
    try:
        home = kind(**content)
    except (ValidationError, TypeError) as error:
        raise InvalidConfiguration(path, _problems(error)) from None
    home.spool = path.parent / home.spool
    return home


def _problems(error: ValidationError | TypeError) -> list[str]:
    if isinstance(error, TypeError):
        return [str(error)]
    return [f"`{'.'.join(map(str, found['loc']))}`: {found['msg']}" for found in error.errors()]


def _read(path: Path) -> dict[str, Any]:
    readers = {".toml": msgspec.toml.decode, ".yaml": msgspec.yaml.decode, ".yml": msgspec.yaml.decode}
    try:
        content = readers.get(path.suffix, msgspec.json.decode)(path.read_bytes())
    except (OSError, ImportError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(path, [str(error)]) from None
    if not isinstance(content, dict):
        raise InvalidConfiguration(path, ["must hold a table of settings"])
    return content
