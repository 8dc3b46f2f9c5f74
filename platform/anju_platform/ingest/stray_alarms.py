"""Alarms that a gateway sends among its readings: the lane is wrong, and somebody may lie on the floor all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from anju_core.alert_signals import AlertSignal
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest.alarm_actions import alarm_actions
from anju_platform.ingest.decode import Incoming
from anju_platform.ingest.ports import AlarmSink
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
        """Do what the alarms of these messages ask for, in one transaction; what was done before changes nothing."""
        if not messages:
            return
        actions = []
        for message in messages:
            home = message.facts.home_id
            devices = {one.device: self._device_cache.find_device(home, one.device) for one in message.readings}
            actions += alarm_actions(message, devices.__getitem__)
            log.warning("alarms on the lane of readings", home=home, gateway=message.facts.gateway_id)
        with self._work() as work:
            for action in actions:
                if isinstance(action, AlertSignal):
                    self._alerts.raise_alert(work, action)
                else:
                    action(work, self._alerts)
