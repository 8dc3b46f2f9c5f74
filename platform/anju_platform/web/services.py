"""The services of a process: what every request needs, and the services of the slices by type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.settings import Settings
from anju_platform.timeseries.store import SeriesStore
from anju_platform.web.hub import Hub
from anju_wire.clock import Clock

S = TypeVar("S")


class ServiceNotOffered(LookupError):
    """An endpoint asks for a service that this process was not composed with."""

    def __init__(self, kind: type[object]) -> None:
        super().__init__(f"{kind.__module__}.{kind.__qualname__} is not among the services of this process")
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of one process. The composition root builds it; requests find it in the lifespan's state.

    by_type: one instance for each class of service; a slice's endpoints look up their own.
    """

    settings: Settings
    clock: Clock
    work: WorkFactory
    series: SeriesStore
    hub: Hub
    by_type: Mapping[type[object], object]

    def get(self, kind: type[S]) -> S:
        """Return the instance of `kind`; raises `ServiceNotOffered`."""
        found = self.by_type.get(kind)
        if not isinstance(found, kind):
            raise ServiceNotOffered(kind)
        return found


def by_type(*services: object) -> Mapping[type[object], object]:
    """Index services by their class."""
    return {type(service): service for service in services}
