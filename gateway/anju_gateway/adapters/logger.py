"""A data logger's buffered history: rows of other devices' readings, handed over in batches after an outage."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec
import numpy as np

from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.values import parse_value
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import DeviceRegistry
from anju_wire.profiles import ALL_FEATURES, Quantity, features_of
from anju_wire.senml import EARLIEST_S
from anju_wire.vocabulary import Lane

HISTORY_PACK = 200
"""Records in one telemetry message of history."""
BEAT_S = 590.0
"""Between two heartbeats of a logged time: the platform takes ten minutes without one for a break."""
_LONGEST_S = 60 * 86400.0
_AHEAD_S = 60.0
_MAX_PAYLOAD_BYTES = 8 * 1024 * 1024


class _History(msgspec.Struct):
    """The logger's own form: rows of `[Unix seconds, device, key, value]`, keys as zigbee2mqtt's."""

    rows: list[tuple[float, str, str, bool | float]]
    device: str = "logger"
    awake: tuple[float, float] | None = None
    """From when until when (Unix seconds) it recorded without a break: what is not in the rows did not happen."""


_decoder = msgspec.json.Decoder(_History)


class LoggerAdapter:
    """Reads `{home}/logger/history`: batches of rows `[Unix s, device, key, value]`."""

    def __init__(self, home: str, gateway: str, registry: DeviceRegistry) -> None:
        self._topic = f"{home}/logger/history"
        self._gateway, self._registry = gateway, registry

    @property
    def filters(self) -> Sequence[str]:
        """The logger's topic."""
        return (self._topic,)

    def read_message(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> AdapterResult | None:  # noqa: ARG002
        """Read one batch; a row without a meaning is refused by itself."""
        if topic != self._topic:
            return None
        result = AdapterResult()
        if len(payload) > _MAX_PAYLOAD_BYTES:
            result.add_refusal("logger", "$", f"{len(payload)} bytes are more than the {_MAX_PAYLOAD_BYTES} allowed")
            return result
        try:
            history = _decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            result.add_refusal("logger", "$", str(error))
            return result
        readings = [found for row in history.rows if (found := self._row(row, now_s, result)) is not None]
        calm = [reading for reading in readings if reading.lane is Lane.TELEMETRY]
        if history.awake is not None:
            calm = sorted([*calm, *self._beats(*history.awake, now_s, result)], key=attrgetter("at_s"))
        result.history += [calm[at : at + HISTORY_PACK] for at in range(0, len(calm), HISTORY_PACK)]
        result.alarms += [[reading] for reading in readings if reading.lane is Lane.ALARM]
        return result

    def read_due(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: no reading falls due by itself."""
        return AdapterResult()

    def cancel_alarms(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: a logger suspects nothing."""
        return AdapterResult()

    def discard_state(self) -> None:
        """Do nothing: there is no state."""

    def _beats(self, from_s: float, until_s: float, now_s: float, result: AdapterResult) -> list[DeviceReading]:
        """The heartbeats that a gateway would have given meanwhile: without them its silence would mean nothing."""
        until_s = min(until_s, now_s)
        if not max(EARLIEST_S, now_s - _LONGEST_S) <= from_s <= until_s:
            result.add_refusal("logger", "awake", f"{from_s!r} to {until_s!r} is no time of the last weeks")
            return []
        beats = np.append(np.arange(from_s, until_s, BEAT_S), until_s).round(3)
        return [
            DeviceReading(self._gateway, Quantity.HEARTBEAT, at_s, round(at_s - from_s, 1)) for at_s in beats.tolist()
        ]

    def _row(
        self, row: tuple[float, str, str, bool | float], now_s: float, result: AdapterResult
    ) -> DeviceReading | None:
        at_s, name, key, said = row
        device, known = self._registry.wire_name(name), self._registry.find_device(name)
        meaning = features_of(known.kind if known else None).get(key) or ALL_FEATURES.get(key)
        if meaning is None:
            result.add_refusal(device, key, "is no kind of reading")
            return None
        if not EARLIEST_S <= at_s <= now_s + _AHEAD_S:
            result.add_refusal(device, key, f"{at_s!r} is not a past Unix time")
            return None
        if meaning.low is None and not isinstance(said, bool) and said in (0, 1):
            said = bool(said)
        value = parse_value(meaning, said)
        if value is None:
            result.add_refusal(device, key, f"{said!r} has no meaning there")
            return None
        return DeviceReading(device, meaning.quantity, at_s, value)
