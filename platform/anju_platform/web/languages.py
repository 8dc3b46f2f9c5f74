"""The language in which a request is answered, and what makes a choice of it last."""

from __future__ import annotations

from typing import Annotated, Protocol, cast
from urllib.parse import parse_qs

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anju_platform.i18n.translation import LOCALES, Words

LANGUAGE_COOKIE = "anju_lang"
_YEAR_S = 365 * 86400


class SelectsWords(Protocol):
    """Knows all languages: the console's `Pages`, in the lifespan's state."""

    def select_words(self, request: Request) -> Words:
        """Return the messages in the language that a request asks for."""
        ...


def request_words(request: Request) -> Words:
    """Return the messages in the language of a request."""
    return cast("SelectsWords", request.state.pages).select_words(request)


WordsDep = Annotated[Words, Depends(request_words)]


def choose_locale(request: Request) -> str | None:
    """Return the language of a request: of its query, else of its cookie, else what its browser likes best.

    None where none of them names one that there is.
    """
    for locale in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if locale in LOCALES:
            return locale
    return accepted_locale(request.headers.get("accept-language", ""))


def accepted_locale(header: str) -> str | None:
    """Return that language of an `Accept-Language` (RFC 9110, 12.5.4) which is wanted most and which there is."""
    wanted = sorted(((_weight(one), one) for one in header[:_LONGEST].split(",")), key=lambda pair: -pair[0])
    tags = (one.partition(";")[0].strip().casefold().partition("-")[0] for weight, one in wanted if weight > 0)
    return next((tag for tag in tags if tag in LOCALES), None)


_LONGEST = 200


def _weight(part: str) -> float:
    name, _, value = part.partition(";")[2].strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


class LanguageChoice:
    """ASGI middleware that stores a language named in the address in a cookie, whatever the answer: also a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        locale = _named(scope)
        if locale is None:
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", language_cookie(locale))
            await send(message)

        await self._app(scope, receive, sent)


def language_cookie(locale: str) -> str:
    """Return the header that stores a language for a year."""
    return f"{LANGUAGE_COOKIE}={locale}; HttpOnly; Max-Age={_YEAR_S}; Path=/; SameSite=lax"


def _named(scope: Scope) -> str | None:
    if scope["type"] != "http" or b"lang=" not in scope["query_string"]:
        return None
    (locale, *_rest) = [*parse_qs(scope["query_string"].decode("latin-1")).get("lang", []), ""]
    return locale if locale in LOCALES else None
