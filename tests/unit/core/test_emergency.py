"""Whom to call for an alert, and when nothing may ring in the home."""

from __future__ import annotations

import pytest

from anju_core.emergency import EmergencyService, list_services, may_ring
from anju_core.vocabulary import AlertKind

K = AlertKind
FIRE_FIRST = {K.SMOKE, K.GAS, K.CARBON_MONOXIDE}


@pytest.mark.parametrize("kind", list(AlertKind))
def test_the_fire_service_stands_first_for_smoke_gas_and_carbon_monoxide_alone(kind: AlertKind) -> None:
    first, *rest = list_services([kind])
    assert (first is EmergencyService.FIRE) is (kind in FIRE_FIRST)
    assert EmergencyService.AMBULANCE in (first, *rest)


@pytest.mark.parametrize("kind", list(AlertKind))
def test_nothing_rings_in_a_home_with_gas_alone(kind: AlertKind) -> None:
    assert may_ring([kind]) is (kind is not K.GAS)


def test_one_gas_alarm_counts_for_every_alert_of_the_home() -> None:
    assert list_services([K.SOS, K.GAS])[0] is EmergencyService.FIRE
    assert not may_ring([K.SOS, K.GAS])
    assert may_ring([])
