"""The pages of the console: one row each, with the link that leads there and the roles that are shown it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.i18n.translation import N_


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A package of the console whose `pages` holds a `router` of HTML.

    title: what the link in the bar says, as a message; without one there is no link.
    roles: who is shown the link, besides `Role.ADMIN`. Who may open the page is the business of its router's guards.
    address: where the link leads, if not to `/` and the package's name.
    """

    package: str
    title: str = ""
    roles: frozenset[Role] = frozenset()
    address: str = ""

    @property
    def href(self) -> str:
        """Where the link leads."""
        return self.address or f"/{self.package}"


_WORKERS = frozenset({Role.WORKER, Role.SUPERVISOR})
_OVERSEERS = frozenset({Role.SUPERVISOR, Role.DISTRICT})

CONSOLE_PAGES = (
    ConsolePage("sign_in"),
    ConsolePage("board", N_("值守台"), _WORKERS),
    ConsolePage("residents", N_("住户"), _WORKERS),
    ConsolePage("homes", N_("失联与电池"), _WORKERS, "/homes?supervision=lost"),
    ConsolePage("shift", N_("交接班"), _WORKERS),
    ConsolePage("closed", N_("已结束"), _WORKERS),
    ConsolePage("carer"),
    ConsolePage("provider", N_("人员与派单"), frozenset({Role.PROVIDER})),
    ConsolePage("routine"),
    ConsolePage("family"),
    ConsolePage("district", N_("统计"), _OVERSEERS),
    ConsolePage("sensitivity", N_("灵敏度"), _OVERSEERS),
    ConsolePage("tester", N_("测试台"), frozenset({Role.TESTER})),
    ConsolePage("wall"),
    ConsolePage("reports"),
    ConsolePage("former_addresses"),
)
"""In the order of the bar."""


def page_routers() -> list[APIRouter]:
    """The routers of HTML, in the order of `CONSOLE_PAGES`."""
    return [importlib.import_module(f"anju_platform.console.{page.package}.pages").router for page in CONSOLE_PAGES]


def hears_alarms(viewer: Actor | None) -> bool:
    """Tell whether the pages of this reader show and sound the alerts that nobody has taken."""
    return viewer is not None and viewer.role in _WORKERS | {Role.ADMIN}


def links_for(role: Role | str) -> Sequence[ConsolePage]:
    """The pages whose links somebody of this role is shown, in their order."""
    return [page for page in CONSOLE_PAGES if page.title and (role in page.roles or role == Role.ADMIN)]
