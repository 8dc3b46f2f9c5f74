"""Which public emergency services an alert may need, and whether a telephone may ring in the home."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from anju_core.vocabulary import AlertKind


class EmergencyService(StrEnum):
    """A public emergency service of mainland China, by its number."""

    FIRE = "119"
    AMBULANCE = "120"


_FIRE_FIRST = frozenset({AlertKind.SMOKE, AlertKind.GAS, AlertKind.CARBON_MONOXIDE})
"""Kinds for which somebody with breathing apparatus and a gas meter must go in first: the fire service."""


def list_services(kinds: Collection[AlertKind]) -> tuple[EmergencyService, ...]:
    """Return the services to offer for a home with open alerts of these kinds, the one to call first at the front."""
    fire = not _FIRE_FIRST.isdisjoint(kinds)
    return (EmergencyService.FIRE, EmergencyService.AMBULANCE) if fire else (EmergencyService.AMBULANCE,)


def may_ring(kinds: Collection[AlertKind]) -> bool:
    """Return whether a telephone or a doorbell may ring in a home with open alerts of these kinds.

    Not where gas may be in the air: a telephone, a doorbell or a switch can give the spark that lights it. So the fire
    service tells the public (Daxing brigade, Beijing Evening News, 15 June 2021): open the windows, shut the valve, no
    flame, no switch, no doorbell, no telephone, and call for help from outside. We keep to it from the other end too.
    """
    return AlertKind.GAS not in kinds
