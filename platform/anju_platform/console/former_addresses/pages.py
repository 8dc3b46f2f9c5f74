"""Where the pages of release 0.1.0 stand now: bookmarks are sent there for good."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, status
from fastapi.responses import RedirectResponse

router = APIRouter(include_in_schema=False)


@router.get("/blind")
def show_homes() -> RedirectResponse:
    """Send a reader of the homes that cannot be seen to their list."""
    return _moved("/homes?supervision=lost")


@router.get("/wishes")
def show_sensitivity() -> RedirectResponse:
    """Send a reader of the communities' targets to the page of sensitivity."""
    return _moved("/sensitivity")


@router.get("/wishes/{community_id}")
def show_community(community_id: Annotated[str, Path(pattern=r"^[\w-]{1,63}$")]) -> RedirectResponse:
    """Send a reader of one community's target to its page."""
    return _moved(f"/sensitivity/{community_id}")


def _moved(address: str) -> RedirectResponse:
    return RedirectResponse(address, status.HTTP_308_PERMANENT_REDIRECT)
