"""Whether the platform is well, and its figures for Prometheus."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from anju_platform.accounts.errors import OutOfScope
from anju_platform.accounts.service import same_secret
from anju_platform.app.health_checks import JOB_LATE_S, Part, PartState, find_jobs_without_end
from anju_platform.app.platform import Platform
from anju_platform.db.availability import can_answer
from anju_platform.settings import is_loopback

router = APIRouter(tags=["platform"])


def running_platform(request: Request) -> Platform:
    """Return the platform that this process runs, from the lifespan's state."""
    return cast("Platform", request.state.platform)


PlatformDep = Annotated[Platform, Depends(running_platform)]

NEEDED = frozenset({"records", "alarms", "jobs"})
"""Parts without which no alarm can be stored, or nobody looks after one that was."""


class Health(BaseModel):
    """Which parts answer; `well` is whether none of them fails."""

    well: bool
    records: bool
    ingest: bool | None
    """Whether alarms can come in and answers go out: the broker is connected. Null in a process that does not lead."""
    process: str
    """This process's id."""
    leader: str | None
    """Id of the process that leads; null: none does, or the database cannot tell."""
    late_jobs: list[str]
    """Jobs for which the part `jobs` fails; also said while no process leads."""
    pages_open: int
    parts: list[Part]
    """Each part that can fail by itself; of a process that does not lead only what concerns it."""


@router.get("/health", responses={503: {"model": Health}})
def health(platform: PlatformDep, response: Response) -> Health:
    """Whether the platform can take an alarm and show it.

    503 where the process itself cannot work or no alarm can be stored; a broker or a series store that is away makes it
    unwell, but no restart would help.
    """
    records = can_answer(platform.work)
    leader = platform.leadership.find_leader()
    may_lead = leader in (None, platform.process_id)
    late = sorted(find_jobs_without_end(platform.scheduler, platform.clock, JOB_LATE_S)) if may_lead else []
    failed = (may_lead and platform.leadership.has_failed()) or platform.leadership.is_unled()
    parts = platform.checks.read_parts(leads=leader == platform.process_id)
    failing = {part.name for part in parts if part.state is PartState.FAILING}
    if not records or late or failed or failing & NEEDED:
        response.status_code = 503
    ingest = platform.ingest.ready if may_lead else None
    return Health(
        well=records and leader is not None and ingest is not False and not late and not failed and not failing,
        records=records,
        ingest=ingest,
        process=platform.process_id,
        leader=leader,
        late_jobs=late,
        pages_open=platform.hub.count_listeners(),
        parts=parts,
    )


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, platform: PlatformDep) -> Response:
    """Prometheus' text form; for this machine, or for the bearer of the metrics token."""
    if not _may_scrape(request, platform.settings.metrics_token):
        raise OutOfScope
    return Response(generate_latest(request.state.metrics), media_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: Request, token: object) -> bool:
    if token is not None:
        _, _, given = request.headers.get("authorization", "").partition(" ")
        if same_secret(given, token.get_secret_value()):  # type: ignore[attr-defined]
            return True
    # A proxy on this machine speaks for others.
    proxied = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return request.client is not None and is_loopback(request.client.host) and not proxied
