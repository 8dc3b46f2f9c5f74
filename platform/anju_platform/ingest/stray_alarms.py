"""Alarms that a gateway sends among its readings: the lane is wrong, and somebody may lie on the floor all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest.alarm_actions import AlarmAction, alarm_actions, carry_out, unreadable
from anju_platform.ingest.decode import Incoming, refusal
from anju_platform.ingest.ports import AlarmSink
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.profiles import QUANTITIES, Quantity
from anju_wire.senml import Resolved
from anju_wire.vocabulary import Lane

log = structlog.get_logger()


def is_alarm(reading: Resolved) -> bool:
    """Return whether a reading belongs on the alarm lane."""
    return isinstance(reading.quantity, Quantity) and QUANTITIES[reading.quantity].lane is Lane.ALARM


def find_stray_alarms(message: Incoming) -> Incoming | None:
    """Return a telemetry message with its alarms only; None where it has none, as it should be."""
    if message.lane is not Lane.TELEMETRY:
        return None
    dated, undated = ([one for one in them if is_alarm(one)] for them in (message.readings, message.undated_readings))
    if not (dated or undated):
        return None
    return replace(message, readings=dated + undated, undated_readings=(), undated=bool(undated))


class StrayAlarms:
    """Raises what stray alarms ask for. Used by one thread."""

    def __init__(self, work: WorkFactory, device_cache: DeviceCache, alerts: AlarmSink) -> None:
        self._work, self._device_cache, self._alerts = work, device_cache, alerts

    def raise_alarms(self, messages: Sequence[Incoming]) -> None:
        """Do what the alarms of these messages ask for, in one transaction; what was done before changes nothing.

        Raises where the records are away, and where those of several messages cannot be carried out together: they are
        to be tried one by one. What one alone asks for and the records do not take is a call for help.
        """
        if not messages:
            return
        for message in messages:
            log.warning("alarms on the lane of readings", home=message.facts.home_id, gateway=message.facts.gateway_id)
        actions = [action for message in messages for action in self._describe(message)]
        try:
            with self._work() as work:
                carry_out(work, self._alerts, actions)
        except Exception as error:
            if len(messages) > 1 or is_away(self._work, error):
                raise
            log.exception("an alarm among readings cannot be stored", home=messages[0].facts.home_id)
            self._call_for_help(messages[0], error)

    def _describe(self, message: Incoming) -> list[AlarmAction]:
        home = message.facts.home_id
        devices = {one.device: self._device_cache.find_device(home, one.device) for one in message.readings}
        return alarm_actions(message, devices.__getitem__)

    def _call_for_help(self, message: Incoming, error: Exception) -> None:
        raw = RawMessage(str(message.topic), b"", message.arrived_s)
        signal = unreadable(refusal(raw, message, type(error).__name__))
        if signal is not None:
            with self._work() as work:
                self._alerts.raise_alert(work, signal)
