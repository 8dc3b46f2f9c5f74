"""FastAPI dependencies that know no slice: the services of the process, and one unit of work for each request.

A slice names its own service once and its endpoints ask for it by that name:

    AlertsDep = Annotated[AlertSlice, Depends(provide(AlertSlice))]

    @router.post("/alerts/{alert_id}/acknowledge")
    def acknowledge_alert(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetail: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.web.services import Services

S = TypeVar("S")

REQUEST_UNITS = 16
"""Units of work that requests may hold at once; further requests wait without a thread.

Were there as many as threads (40), all of them could wait for a lock whose holder needs a thread to go on.
"""


def services(request: Request) -> Services:
    """Return the services of this process, from the lifespan's state."""
    return cast("Services", request.state.services)


ServicesDep = Annotated[Services, Depends(services)]


def provide(kind: type[S]) -> Callable[[Services], S]:
    """Make a dependency that returns the process's instance of `kind`; the request raises `ServiceNotOffered`."""

    def provided(services: ServicesDep) -> S:
        return services.get(kind)

    return provided


def open_unit(services: ServicesDep) -> Iterator[UnitOfWork]:
    """Open one transaction for one request; it is committed when the endpoint returns, before the answer leaves."""
    with services.work() as work:
        yield work


UnitDep = Annotated[UnitOfWork, Depends(open_unit, scope="function", max_concurrency=REQUEST_UNITS)]
