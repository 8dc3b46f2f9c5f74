"""Sessions over the API."""

from __future__ import annotations

from fastapi import APIRouter, Request, status

from anju_platform.accounts.guards import AccountsDep, EntranceDep, SessionDep, read_token
from anju_platform.accounts.schemas import ActorView, Credentials, MeView, SessionView
from anju_platform.web.dependencies import UnitDep

router = APIRouter(tags=["access"])


@router.post("/sessions", status_code=status.HTTP_201_CREATED)
async def open_session(given: Credentials, entrance: EntranceDep) -> SessionView:
    """Open a session; its token goes into `Authorization: Bearer`."""
    token = await entrance.sign_in(given.login, given.password.get_secret_value())
    return SessionView(token=token.secret, expires_at=token.expires_at, actor=ActorView.of(token.actor))


@router.delete("/sessions/current", status_code=status.HTTP_204_NO_CONTENT)
def close_session(request: Request, _found: SessionDep, accounts: AccountsDep, work: UnitDep) -> None:
    """Close the session."""
    accounts.sign_out(work, read_token(request)[0])


@router.get("/me")
def show_me(found: SessionDep) -> MeView:
    """Show who is signed in."""
    actor = ActorView.of(found.actor).model_dump()
    return MeView(**actor, locale=found.locale, expires_at=found.expires_at, csrf=found.csrf)
