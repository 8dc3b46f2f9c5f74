"""The connection to the simulator over the district's broker: commands out, events back."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from anju_platform.settings import Settings
from anju_wire.simulation import COMMAND_TOPIC, EVENT_TOPIC, SimAction, SimCommand, decode_event

_KEPT = 100
_ACTIONS = frozenset(SimAction)

log = structlog.get_logger("anju.tester")


@dataclass(slots=True)
class CommandTrace:
    """One command and what the simulated home reported about it, in order of arrival."""

    id: str
    home_id: str
    action: SimAction
    args: Mapping[str, str | float | bool] = field(default_factory=dict)
    stages: list[tuple[str, float]] = field(default_factory=list)
    """Reported stages and their times (Unix s)."""
    refusal: str = ""


class SimulatorLink:
    """Holds the last commands and their events in memory; a demo's panel needs no more."""

    def __init__(self, settings: Settings, process_id: str = "") -> None:
        self._settings = settings
        self._commands: OrderedDict[str, CommandTrace] = OrderedDict()
        self._lock = threading.Lock()
        self.connected = False
        """Whether commands can be sent to the broker."""
        name = f"anju-platform-tester-{process_id}"
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=True)
        if settings.mqtt_username and settings.mqtt_password:
            client.username_pw_set(settings.mqtt_username, settings.mqtt_password.get_secret_value())
        if settings.mqtt_ca:
            client.tls_set(str(settings.mqtt_ca))
        client.on_connect, client.on_disconnect, client.on_message = (
            self._on_connect,
            self._on_disconnect,
            self._on_message,
        )
        client.reconnect_delay_set(1, 5)
        self._client = client

    def start(self) -> None:
        """Connect in the background, and reconnect."""
        self._client.connect_async(self._settings.mqtt_host, self._settings.mqtt_port)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def send_command(self, command: CommandTrace) -> None:
        """Send a command to the simulator."""
        self._keep(command)
        order = SimCommand(id=command.id, home=command.home_id, action=command.action, args=dict(command.args))
        self._client.publish(COMMAND_TOPIC, msgspec.json.encode(order), qos=1)

    def list_commands(self) -> list[CommandTrace]:
        """Return the last commands, newest first."""
        with self._lock:
            return [
                CommandTrace(c.id, c.home_id, c.action, c.args, list(c.stages), c.refusal)
                for c in reversed(self._commands.values())
            ]

    def handle_event(self, payload: bytes) -> None:
        """Store one event of the simulator; one that cannot be read is logged, one that no command caused left out."""
        event = decode_event(payload)
        if event is None:
            log.warning("simulator event unreadable", size=len(payload))
            return
        if not event.id or event.action not in _ACTIONS:
            return
        with self._lock:
            known = self._commands.get(event.id)
        if known is None:
            known = CommandTrace(event.id, event.home, SimAction(event.action))
            self._keep(known)
        with self._lock:
            if event.stage == "refused":
                known.refusal = str(event.detail.get("why", ""))
            elif event.stage not in {told for told, _ in known.stages}:
                known.stages.append((event.stage, event.at))

    def _keep(self, command: CommandTrace) -> None:
        with self._lock:
            self._commands[command.id] = command
            while len(self._commands) > _KEPT:
                self._commands.popitem(last=False)

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _props: object
    ) -> None:
        self.connected = not code.is_failure
        if self.connected:
            client.subscribe(EVENT_TOPIC, qos=1)

    def _on_disconnect(self, *_: object) -> None:
        self.connected = False

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.handle_event(bytes(message.payload))
