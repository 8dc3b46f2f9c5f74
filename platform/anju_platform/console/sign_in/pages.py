"""Signing in and out, and the way from `/` to the page of one's role."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from anju_core.errors import TooMany
from anju_core.vocabulary import Role
from anju_platform.accounts.errors import SignInRefused
from anju_platform.accounts.guards import AccountsDep, EntranceDep, SessionDep, clear_cookie, read_token, set_cookie
from anju_platform.accounts.sign_in import Token
from anju_platform.console.error_messages import explain
from anju_platform.console.page_context import PagesDep
from anju_platform.i18n.translation import N_, SOURCE
from anju_platform.web.dependencies import ServicesDep, UnitDep
from anju_platform.web.errors import status_of
from anju_platform.web.languages import LANGUAGE_COOKIE, choose_locale, language_cookie

router = APIRouter()

HOMES = {
    Role.WORKER: "/board",
    Role.SUPERVISOR: "/board",
    Role.ADMIN: "/board",
    Role.CARER: "/carer",
    Role.PROVIDER: "/provider",
    Role.FAMILY: "/family",
    Role.DISTRICT: "/district",
    Role.TESTER: "/tester",
}
"""First page of each role."""
_ENDED = N_("登录过期了，请重新登录。刚才点的那一步没有生效。")


@router.get("/", name="start")
def redirect_to_start(found: SessionDep) -> Response:
    """Redirect to the first page of the reader's role."""
    return RedirectResponse(HOMES[found.actor.role], HTTPStatus.SEE_OTHER)


@router.get("/login", name="login_page")
def show_login(
    request: Request,
    pages: PagesDep,
    next: str = "",  # noqa: A002 - the address says `next`
    ended: bool = False,  # noqa: FBT001, FBT002 - a parameter of the address
) -> HTMLResponse:
    """Show the sign-in form, to somebody whose session ended under her hands with what became of the last click."""
    wrong = pages.select_words(request)(_ENDED) if ended else ""
    return pages.render(request, "login.html", wrong=wrong, next=_own(next), login="")


class SignInForm(BaseModel):
    """The sign-in form."""

    login: str = Field(max_length=60)
    password: str = Field(max_length=200)
    next: str = Field("", max_length=300)


@router.post("/login", name="login")
async def open_session(
    request: Request,
    *,
    entrance: EntranceDep,
    services: ServicesDep,
    pages: PagesDep,
    given: Annotated[SignInForm, Form()],
) -> Response:
    """Sign in; a wrong password shows the form again."""
    try:
        token = await entrance.sign_in(given.login, given.password)
    except (SignInRefused, TooMany) as refusal:
        wrong = explain(refusal, pages.select_words(request))
        view = {"wrong": wrong, "next": _own(given.next), "login": given.login}
        return pages.render(request, "login.html", status=status_of(refusal), **view)
    answer = RedirectResponse(_own(given.next) or HOMES[token.actor.role], HTTPStatus.SEE_OTHER)
    set_cookie(answer, token, services.settings)
    if LANGUAGE_COOKIE not in request.cookies and "lang" not in request.query_params:
        answer.headers.append("set-cookie", language_cookie(_locale_of(request, token)))
    return answer


@router.post("/logout", name="logout")
def close_session(request: Request, _found: SessionDep, accounts: AccountsDep, work: UnitDep) -> Response:
    """Close the session."""
    accounts.sign_out(work, read_token(request)[0])
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    clear_cookie(answer)
    return answer


def _locale_of(request: Request, token: Token) -> str:
    """Return the language of somebody who has chosen none: her account's, or where that is the source her browser's."""
    return token.locale if token.locale != SOURCE else choose_locale(request) or SOURCE


def _own(address: str) -> str:
    """Return an address within this site, else an empty text: a sign-in leads nowhere else."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain and "\\" not in address and address != "/logout" else ""
