"""The context of a page's request: reader, language, time zone and services."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar, cast
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from anju_core.actor import Actor
from anju_core.scope import WHOLE_DISTRICT, OneHome, OneProvider
from anju_platform.accounts.guards import SessionDep
from anju_platform.accounts.service import ActiveSession
from anju_platform.console.rendering import UTC_ZONE, Pages
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import Words
from anju_platform.residents.directory import list_communities, list_places
from anju_platform.web.dependencies import ServicesDep
from anju_platform.web.services import Services

S = TypeVar("S")


def pages(request: Request) -> Pages:
    """Return the pages of this process, from the lifespan's state."""
    return cast("Pages", request.state.pages)


PagesDep = Annotated[Pages, Depends(pages)]


@dataclass(frozen=True, slots=True)
class PageContext:
    """A signed-in person's request for a page."""

    request: Request
    found: ActiveSession
    services: Services
    pages: Pages
    zone: ZoneInfo
    """The time zone in which times are shown."""

    @property
    def actor(self) -> Actor:
        """The reader."""
        return self.found.actor

    @property
    def words(self) -> Words:
        """The messages in the reader's language."""
        return self.pages.select_words(self.request)

    def work(self) -> UnitOfWork:
        """Open a unit of work, to be used as a context manager."""
        return self.services.work()

    def service(self, kind: type[S]) -> S:
        """Return the process's service of this class; raises `ServiceNotOffered`."""
        return self.services.get(kind)

    @property
    def fragment(self) -> bool:
        """Tell whether htmx asks for a part of the page."""
        headers = self.request.headers
        return "hx-request" in headers and "hx-history-restore-request" not in headers

    def in_zone(self, zone: ZoneInfo) -> PageContext:
        """Return the same request with times shown in `zone`: that of the home which a page is about."""
        return replace(self, zone=zone)

    def render(self, name: str, chosen_page: str = "", *, status: int = 200, **view: object) -> HTMLResponse:
        """Render a template with the reader, the chosen page and the CSRF token."""
        return self.pages.render(
            self.request,
            name,
            self.zone,
            status=status,
            viewer=self.actor,
            csrf=self.found.csrf,
            chosen_page=chosen_page,
            **view,
        )


def reader_zone(work: UnitOfWork, actor: Actor) -> ZoneInfo:
    """Return the time zone of the reader's home or community; for who sees several, the one that most of them have."""
    scope = actor.scope
    if isinstance(scope, OneHome):
        zones = [place.timezone for place in list_places(work, scope)]
    else:
        within = WHOLE_DISTRICT if isinstance(scope, OneProvider) else scope
        zones = [community.timezone for community in list_communities(work, within)]
    return Counter(zones).most_common(1)[0][0] if zones else UTC_ZONE


def page_context(request: Request, found: SessionDep, services: ServicesDep, pages: PagesDep) -> PageContext:
    """Return the context of a request; the dependency of every page for signed-in people."""
    with services.work() as work:
        work.only_read()
        zone = reader_zone(work, found.actor)
    return PageContext(request, found, services, pages, zone)


PageContextDep = Annotated[PageContext, Depends(page_context)]
