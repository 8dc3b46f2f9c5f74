"""Whether the platform is well, and its figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from anju_platform.access.errors import OutOfScope
from anju_platform.access.service import same
from anju_platform.settings import is_loopback
from anju_platform.web.deps import PlatformDep

router = APIRouter(tags=["platform"])


class Health(BaseModel):
    """Which parts answer; `well` is whether all of them do."""

    well: bool
    records: bool
    pages_open: int


@router.get("/health", responses={503: {"model": Health}})
def health(platform: PlatformDep, response: Response) -> Health:
    """Whether the platform can take an alarm and show it."""
    try:
        with platform.work() as work:
            work.only_read()
            records = work.session.execute(text("SELECT 1")).scalar() == 1
    except SQLAlchemyError:
        records = False
    if not records:
        response.status_code = 503
    return Health(well=records, records=records, pages_open=platform.hub.listeners())


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, platform: PlatformDep) -> Response:
    """Prometheus' text form; for this machine, or for the bearer of the metrics token."""
    if not _may_scrape(request, platform.settings.metrics_token):
        raise OutOfScope
    return Response(generate_latest(request.state.metrics), media_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: Request, token: object) -> bool:
    if token is not None:
        _, _, given = request.headers.get("authorization", "").partition(" ")
        if same(given, token.get_secret_value()):  # type: ignore[attr-defined]
            return True
    # A proxy on this machine speaks for others.
    proxied = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return request.client is not None and is_loopback(request.client.host) and not proxied
