"""FastAPI dependencies that guard every endpoint: session, role, scope, and proof against forged requests (CSRF)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy.exc import OperationalError

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.errors import CsrfMismatch, NotSignedIn, WrongRole
from anju_platform.accounts.lanes import SignInLanes
from anju_platform.accounts.service import SEEN_EVERY, AccountService, ActiveSession, same_secret
from anju_platform.accounts.sign_in import DEVICE_STAY, SignInRequest, SignInService, Token
from anju_platform.settings import Settings
from anju_platform.web.addresses import network_of
from anju_platform.web.dependencies import ServicesDep, provide
from anju_platform.web.services import Services

COOKIE = "anju"
DEVICE_COOKIE = "anju_device"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
AccountsDep = Annotated[AccountService, Depends(provide(AccountService))]
SignInsDep = Annotated[SignInService, Depends(provide(SignInService))]
LanesDep = Annotated[SignInLanes, Depends(provide(SignInLanes))]
ENTRANCE_READS = 4
"""Threads in which requests look at once whether a browser is known."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def read_token(request: Request) -> tuple[str, bool]:
    """Return the token of a request, and whether it came in a cookie; raises `NotSignedIn`."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return bearer.strip(), False
    cookie = request.cookies.get(COOKIE)
    if cookie:
        return cookie, True
    raise NotSignedIn


async def read_csrf(request: Request) -> str:
    """Return the CSRF token of a changing request, from its header or a field of its form; empty where it has none."""
    header = request.headers.get(CSRF_HEADER)
    if header is not None or request.method in _SAFE:
        return header or ""
    if request.headers.get("content-type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        return field if isinstance(field, str) else ""
    return ""


def active_session(
    request: Request, services: ServicesDep, accounts: AccountsDep, csrf: Annotated[str, Depends(read_csrf)]
) -> ActiveSession:
    """Return the session of a request; raises `NotSignedIn`, `CsrfMismatch`.

    It is read in a transaction of its own that ends before the endpoint begins: no thread waits for a lock here.
    """
    secret, by_cookie = read_token(request)
    found = _use_session(services, accounts, secret)
    if by_cookie and request.method not in _SAFE and not same_secret(csrf, found.csrf):
        raise CsrfMismatch
    request.state.actor_role = found.actor.role
    return found


def _use_session(services: Services, accounts: AccountService, secret: str) -> ActiveSession:
    """Return an open session, and store now and then that it is used; raises `NotSignedIn`."""
    with services.work() as work:
        work.only_read()
        found = accounts.find_session(work, secret)
    if services.clock.now() - found.seen_at > SEEN_EVERY:
        with suppress(OperationalError), services.work() as work:  # whoever only reads is not held up by the records
            accounts.touch_session(work, found.token_hash)
    return found


SessionDep = Annotated[ActiveSession, Depends(active_session)]


def current_actor(found: SessionDep) -> Actor:
    """Return the person who asks."""
    return found.actor


ActorDep = Annotated[Actor, Depends(current_actor)]


def require(*roles: Role) -> Callable[[Actor], Actor]:
    """Make a dependency that admits these roles, and administrators; it raises `WrongRole`."""

    def guard(actor: ActorDep) -> Actor:
        if actor.role not in roles and actor.role is not Role.ADMIN:
            raise WrongRole(actor.role, roles)
        return actor

    return guard


def still_signed_in(request: Request, services: ServicesDep, accounts: AccountsDep) -> Callable[[], bool]:
    """Return a function that tells whether the session of a long request is still open."""
    secret, _ = read_token(request)

    def still() -> bool:
        try:
            _use_session(services, accounts, secret)
        except NotSignedIn:
            return False
        return True

    return still


StillDep = Annotated[Callable[[], bool], Depends(still_signed_in)]


@dataclass(frozen=True, slots=True)
class SignInEntrance:
    """The way by which a request signs in: where it comes from, and in which lane its turn comes."""

    services: Services
    sign_ins: SignInService
    lanes: SignInLanes
    address: str
    device: str
    known: bool

    async def sign_in(self, login: str, password: str) -> Token:
        """Open a session; raises `SignInRefused`, `TooManySignIns`, `SignInsBusy`."""
        given = SignInRequest(login=login, password=password, address=self.address, device=self.device)
        job = partial(self.sign_ins.sign_in, self.services.work, given)
        return await self.lanes.run(job, address=network_of(self.address), known=self.known)


def sign_in_entrance(request: Request, services: ServicesDep, sign_ins: SignInsDep, lanes: LanesDep) -> SignInEntrance:
    """Return the entrance of a request; reads whether its browser is known."""
    device = request.cookies.get(DEVICE_COOKIE, "")
    known = False
    if device:
        with services.work() as work:
            work.only_read()
            known = sign_ins.is_known(work, device)
    address = request.client.host if request.client is not None else ""
    return SignInEntrance(services, sign_ins, lanes, address, device, known)


EntranceDep = Annotated[SignInEntrance, Depends(sign_in_entrance, max_concurrency=ENTRANCE_READS)]


def set_cookie(response: Response, token: Token, settings: Settings) -> None:
    """Set the cookies of the session and of the browser, out of reach of scripts and of other sites."""
    for name, value, lasts in (
        (COOKIE, token.secret, {"expires": token.expires_at}),
        (DEVICE_COOKIE, token.device, {"max_age": int(DEVICE_STAY.total_seconds())}),
    ):
        response.set_cookie(name, value, **lasts, httponly=True, samesite="lax", secure=settings.https_only, path="/")


def clear_cookie(response: Response) -> None:
    """Delete the session's cookie."""
    response.delete_cookie(COOKIE, path="/")
