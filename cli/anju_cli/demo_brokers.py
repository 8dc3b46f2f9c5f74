"""The demo's two brokers, for the district and for the homes' local bus: their users, and how each is run.

The rules and listeners are those of a real district (`deploy/mosquitto`), without TLS: everything is on the loopback.
The demo adds the simulator's and the scenario's names, which a real district has not.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anju_cli.broker_users import ensure_password, write_for_broker, write_password_file, write_rules
from anju_cli.processes import anju_argv

HOST = "127.0.0.1"
TELEMETRY = ".telemetry"
"""Behind the home's id in the name of a gateway's second session (anju_gateway.uplink.TELEMETRY_SUFFIX)."""
PLATFORM = "platform"
SIMULATOR, SCENARIO, DEVICES, REPLAY = "simulator", "scenario", "devices", "replay"
_TLS = ("cafile ", "certfile ", "keyfile ", "tls_version ")


@dataclass(frozen=True, slots=True)
class DemoBrokers:
    """Both brokers of a demo; `secrets` is the folder of their users, 0700, each file 0600."""

    secrets: Path
    homes: Sequence[str]
    homes_port: int
    platform_port: int
    bus_port: int

    def make_users(self) -> None:
        """Write every user's password and what the brokers read; passwords that are there stay."""
        self.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder, rules = self.secrets, shipped_rules()
        passwords = {home: self.password(home) for home in self.homes}
        here = {f"{home}{end}": word for home, word in passwords.items() for end in ("", TELEMETRY)}
        write_password_file(
            folder / "homes.passwords", here | {name: self.password(name) for name in (SIMULATOR, SCENARIO)}
        )
        write_rules(folder / "homes.acl", rules / "homes.acl", self._home_rules())
        write_password_file(folder / "platform.passwords", {PLATFORM: self.password(PLATFORM)})
        more = ["topic write anju-sim/v1/control", "topic read anju-sim/v1/events"]
        write_rules(folder / "platform.acl", rules / "platform.acl", more)
        tools = {name: self.password(name) for name in (DEVICES, SCENARIO, REPLAY)}
        bus = {home: ensure_password(folder, f"{home}.bus") for home in self.homes}
        write_password_file(folder / "bus.passwords", bus | tools)
        more = [line for name in (SCENARIO, REPLAY) for line in (f"user {name}", "topic readwrite #")]
        write_rules(folder / "bus.acl", rules / "bus.acl", more)

    def password(self, user: str) -> str:
        """Return a user's password, which is made where there is none."""
        return ensure_password(self.secrets, user)

    def _home_rules(self) -> list[str]:
        lines = [f"user {home}{TELEMETRY}\ntopic write anju/v1/+/{home}/telemetry" for home in self.homes]
        for name in (SIMULATOR, SCENARIO):
            lines += [f"user {name}", "topic readwrite anju-sim/v1/#", "topic read anju/v1/+/+/status"]
        return lines

    def embedded_argv(self, name: str) -> list[str]:
        """Return the command line of the embedded broker `bus` or `broker`."""
        if name == "bus":
            return anju_argv("broker", "--port", str(self.bus_port), "--users", str(self.secrets / "bus"))
        homes, platform = str(self.secrets / "homes"), str(self.secrets / "platform")
        argv = anju_argv("broker", "--port", str(self.homes_port), "--users", homes)
        return [*argv, "--platform-port", str(self.platform_port), "--platform-users", platform]

    def mosquitto_argv(self, name: str, folder: Path) -> list[str]:
        """Return the command line of Mosquitto for `bus` or `broker`, with its configuration written into `folder`."""
        folder.mkdir(exist_ok=True)
        shipped = shipped_rules() / ("bus.conf" if name == "bus" else "mosquitto.conf")
        config = folder / "mosquitto.conf"
        write_for_broker(config, self._configuration(shipped.read_text(encoding="utf-8"), folder), mode=0o600)
        return [str(find_mosquitto()), "-c", str(config)]

    def _configuration(self, shipped: str, folder: Path) -> str:
        """Return a shipped configuration for this machine: other ports and folders, no TLS, nothing else."""
        text = "".join(line for line in shipped.splitlines(keepends=True) if not line.startswith(_TLS))
        for listener, port in (("8883", self.homes_port), ("8884", self.platform_port), ("1883", self.bus_port)):
            text = re.sub(rf"(?m)^listener {listener}$", f"listener {port} {HOST}", text)
        for inside in ("/mosquitto/secrets", "/mosquitto/config"):
            text = text.replace(f"{inside}/", f"{self.secrets}/")
        text = text.replace("/mosquitto/data/", f"{folder}/")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            text += "user root\n"  # it would give up the right to its own folder
        return text


def shipped_rules() -> Path:
    """Return the folder of the rules and configurations for Mosquitto: in the wheel, else in the checkout."""
    packaged = Path(__file__).parent / "mosquitto"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "deploy" / "mosquitto"


def find_mosquitto() -> str | None:
    """Return the path of Mosquitto, which Debian keeps out of a user's PATH; None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
