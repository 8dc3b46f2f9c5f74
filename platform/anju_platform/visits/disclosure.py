"""What of a visit is told before it is accepted: the community, and roughly how far and in which direction it is.

With the exact place on an offer, a carer could claim from anywhere that she stood there; and who declines needs neither
the address nor the name of somebody who lives alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.residents.records import HomeRecord
from anju_platform.visits.models import VisitTask

_MASK = "**"
_EXACT = frozenset({"distance_m", "latitude", "longitude"})


def may_know_place(visit: VisitTask, actor: Actor | None) -> bool:
    """Return whether a person may know whose visit it is and where; `actor` is None for code that acts for no person.

    The carer who accepted it and her provider may, and the community; a carer or provider that was only asked may not.
    """
    if actor is None or actor.role not in {Role.CARER, Role.PROVIDER}:
        return True
    if actor.role is Role.CARER:
        return visit.carer_id == actor.account_id
    return visit.provider_id is not None and visit.provider_id == actor.provider_id


def conceal_place(home: HomeRecord) -> dict[str, Any]:
    """Return the fields of a visit's summary that stand in for place, full names and note."""
    return {
        "name": "、".join(resident.name[:1] + _MASK for resident in home.residents),
        "address": home.community_name,
        "latitude": None,
        "longitude": None,
        "note": "",
        "place_known": False,
    }


def conceal_detail(detail: Mapping[str, object]) -> Mapping[str, object]:
    """Return a history step's detail without what gives the place away."""
    return {name: value for name, value in detail.items() if name not in _EXACT and name != "note"}
