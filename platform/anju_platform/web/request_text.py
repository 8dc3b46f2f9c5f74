"""Finds text in a request that no database can store: NUL characters and lone surrogates.

Each part is read in time linear in its length, or refused where it is longer than any browser of ours sends: a guard
that can be kept busy would stop every page.
"""

from __future__ import annotations

import json
import re
from email.message import Message as MimeHeader

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_UTF8 = frozenset({"", "utf-8", "utf8"})
LONGEST_COOKIES = 4096
"""Bytes of all cookies: taking the quotes off one takes time that grows with the square of its length."""
LONGEST_CONTENT_TYPE = 256
"""Bytes of a body's content type, whose parameters take such time, too."""
_Trail = tuple["_Trail", str] | None
"""A path into a document, from its end."""


def find_unusable_head(scope: Scope) -> str | None:
    """Return which part of a request's head holds unusable text, or is too long to tell; None where none does."""
    if sum(len(value) for name, value in scope["headers"] if name == b"cookie") > LONGEST_COOKIES:
        return "header.cookie"
    if _UNUSABLE.search(scope["path"]):
        return "path"
    if _has_encoded_nul(scope["query_string"]):
        return "query"
    for name, value in scope["headers"]:
        if name == b"content-type" and len(value) > LONGEST_CONTENT_TYPE:
            return "header.content-type"
        text = value.decode("latin-1")
        # A quoted cookie may spell characters as octal numbers.
        values = cookie_parser(text).values() if name == b"cookie" else (text,)
        if any(_UNUSABLE.search(one) for one in values):
            return f"header.{name.decode('latin-1')}"
    return None


def find_unusable_body(headers: Headers, body: bytes) -> str | None:
    """Return where a body holds unusable text (`body`, or a path into its JSON); None where it does not."""
    kind, charset = _content_type(headers.get("content-type", ""))
    if kind == _FORM:
        return "body" if _has_encoded_nul(body) else None
    if kind == _MULTIPART:
        # Other character sets spell a NUL without a NUL byte (UTF-7: +AAA-); no browser sends them.
        return "body" if b"\0" in body or charset not in _UTF8 else None
    return _find_in_json(body)


def _content_type(text: str) -> tuple[str, str]:
    header = MimeHeader()
    header["content-type"] = text
    return header.get_content_type() if text else "", str(header.get_param("charset", "")).lower()


def _has_encoded_nul(encoded: bytes) -> bool:
    """Tell whether percent-encoded text holds a NUL; what is no UTF-8 there is replaced when it is decoded."""
    return b"\0" in encoded or b"%00" in encoded


def _find_in_json(body: bytes) -> str | None:
    if b"\\u" not in body and b"\0" not in body and _is_utf8(body):
        return None
    try:
        document = json.loads(body)
    except RecursionError:
        return "body"
    except ValueError:
        return None  # whoever wants JSON says what is wrong with it
    return _find_in(document)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _find_in(document: object) -> str | None:
    """Return the path of the first unusable text; without recursion, since documents may be deep."""
    waiting: list[tuple[_Trail, object]] = [(None, document)]
    while waiting:
        trail, value = waiting.pop()
        if isinstance(value, str) and _UNUSABLE.search(value):
            return _path(trail)
        if isinstance(value, list):
            waiting += [((trail, f"[{at}]"), one) for at, one in enumerate(value)]
        elif isinstance(value, dict):
            if any(_UNUSABLE.search(name) for name in value):
                return _path(trail)
            waiting += [((trail, f".{name}"), one) for name, one in value.items()]
    return None


def _path(trail: _Trail) -> str:
    parts = []
    while trail is not None:
        trail, part = trail
        parts.append(part)
    return "".join(["body", *reversed(parts)])
