"""ASGI middleware that binds every cookie to this host and to TLS: the `__Host-` prefix (RFC 6265bis, 4.1.3.2)."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = b"__Host-"


class HostCookies:
    """Puts the prefix before the name of each cookie on the way out, and takes it off on the way in.

    A cookie without it is not believed there: another host of the domain, or plain HTTP, may have set it. Requests that
    come over plain HTTP (the demo on loopback) keep plain names, since not every browser takes a secure cookie there.

    https_only: every request comes through TLS, whatever the connection to the proxy looks like.
    """

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._https_only = https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not (self._https_only or scope["scheme"] == "https"):
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, _bound(name, value)) for name, value in message.get("headers", [])]
            await send(message)

        headers = [(name, _ours(value) if name == b"cookie" else value) for name, value in scope["headers"]]
        await self._app({**scope, "headers": headers}, receive, sent)


def _ours(cookies: bytes) -> bytes:
    parts = [part.strip() for part in cookies.split(b";")]
    return b"; ".join(part.removeprefix(PREFIX) for part in parts if part.startswith(PREFIX))


def _bound(name: bytes, value: bytes) -> bytes:
    if name.lower() != b"set-cookie":
        return value
    secure = b"" if b"; secure" in value.lower() else b"; Secure"
    return PREFIX + value + secure
