"""What an endpoint asks for: the platform and a unit of work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, Request

from anju_platform.db.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from anju_platform.app.bootstrap import Platform
else:
    # The composition root imports the web's parts, so they know it by name only; FastAPI needs no more.
    Platform = Any


def platform(request: Request) -> Platform:
    """The platform that this process runs, from the lifespan's state."""
    return cast("Platform", request.state.platform)


PlatformDep = Annotated[Platform, Depends(platform)]


def unit(platform: PlatformDep) -> Iterator[UnitOfWork]:
    """One transaction for one request; committed when the endpoint returns, before the answer leaves."""
    with platform.work() as work:
        yield work


AT_ONCE = 16
"""Units of requests at once; the others wait without a thread.

Were there as many as threads (40), all might wait for a lock whose holder needs a thread to go on.
"""
UnitDep = Annotated[UnitOfWork, Depends(unit, scope="function", max_concurrency=AT_ONCE)]
