"""FastAPI dependencies that stand before every endpoint: who asks, by which right, from our own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.errors import CsrfMismatch, NotSignedIn, OutOfScope, WrongRole
from anju_platform.accounts.service import AccountService, SignedIn, Token, same
from anju_platform.settings import Settings
from anju_platform.web.dependencies import ServicesDep, provide

COOKIE = "anju"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
AccountsDep = Annotated[AccountService, Depends(provide(AccountService))]
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def secret_of(request: Request) -> tuple[str, bool]:
    """The token of a request, and whether a browser sent it by itself (cookie); raises `NotSignedIn`."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return bearer.strip(), False
    cookie = request.cookies.get(COOKIE)
    if cookie:
        return cookie, True
    raise NotSignedIn


async def csrf_given(request: Request) -> str:
    """The proof that a page of ours sent this: header, or the field of its form."""
    header = request.headers.get(CSRF_HEADER)
    if header is not None or request.method in _SAFE:
        return header or ""
    if request.headers.get("content-type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        return field if isinstance(field, str) else ""
    return ""


def signed_in(
    request: Request, services: ServicesDep, accounts: AccountsDep, csrf: Annotated[str, Depends(csrf_given)]
) -> SignedIn:
    """The sign-in of a request; raises `NotSignedIn`, `CsrfMismatch`.

    Read in a transaction of its own, that is over before the endpoint begins: no thread waits for another's lock here.
    """
    secret, by_cookie = secret_of(request)
    with services.work() as work:
        work.only_read()
        found = accounts.signed_in(work, secret)
    if by_cookie and request.method not in _SAFE and not same(csrf, found.csrf):
        raise CsrfMismatch
    request.state.actor_role = found.actor.role
    return found


SignedInDep = Annotated[SignedIn, Depends(signed_in)]


def current_actor(found: SignedInDep) -> Actor:
    """The person who asks."""
    return found.actor


ActorDep = Annotated[Actor, Depends(current_actor)]


def require(*roles: Role) -> Callable[[Actor], Actor]:
    """A dependency that lets these roles in (an administrator always); raises `WrongRole`."""

    def guard(actor: ActorDep) -> Actor:
        if actor.role not in roles and actor.role is not Role.ADMIN:
            raise WrongRole(actor.role, roles)
        return actor

    return guard


def still_signed_in(request: Request, services: ServicesDep, accounts: AccountsDep) -> Callable[[], bool]:
    """Asks again later whether the sign-in of a long request still holds."""
    secret, _ = secret_of(request)

    def still() -> bool:
        try:
            with services.work() as work:
                work.only_read()
                accounts.signed_in(work, secret)
        except NotSignedIn:
            return False
        return True

    return still


StillDep = Annotated[Callable[[], bool], Depends(still_signed_in)]


def in_scope(actor: Actor, community_id: str | None, home_id: str | None, provider_id: str | None = None) -> None:
    """Let pass what is within a person's scope; what is not, is not there: raises `OutOfScope` (404)."""
    if not actor.may_see(community_id, home_id, provider_id):
        raise OutOfScope


def set_cookie(response: Response, token: Token, settings: Settings) -> None:
    """Let the browser keep a sign-in, out of reach of scripts and of other sites."""
    response.set_cookie(
        COOKIE,
        token.secret,
        expires=token.expires_at,
        httponly=True,
        samesite="lax",
        secure=settings.https_only,
        path="/",
    )


def clear_cookie(response: Response) -> None:
    """Let the browser forget it."""
    response.delete_cookie(COOKIE, path="/")
