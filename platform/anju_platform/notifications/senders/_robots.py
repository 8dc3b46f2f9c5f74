"""Posts to the robots of group chats, which answer 200 also where they refuse: the code in the answer says it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.request import HTTPErrorProcessor, HTTPRedirectHandler, Request, build_opener

import apprise

TIMEOUT_S = 4.0
"""Longest wait for the connection and for each part of an answer, s."""
_LONGEST_ANSWER = 64 * 1024
_OK = 200


class _Refuse(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: it would lose the message."""


class _Plain(HTTPErrorProcessor):
    def http_response(self, request: Request, response: Any) -> Any:  # noqa: ANN401, ARG002 - urllib's own types
        """Hand every answer on as it is."""
        return response

    https_response = http_response


_opener = build_opener(_Refuse, _Plain)


def read_address(url: str, kind: str) -> Any:  # noqa: ANN401 - a plug-in of Apprise
    """Return Apprise's plug-in that reads the parts of the URL; None where it is not of the kind named."""
    plugin = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    return plugin if type(plugin).__name__ == kind else None


def post_message(url: str, payload: Mapping[str, object], codes: Sequence[str]) -> bool:
    """POST as JSON; return whether the service took it: 200, and each of `codes` that it answers is 0, one at least.

    Raises `OSError` where the service is not reached.
    """
    data = json.dumps(payload, ensure_ascii=False).encode()
    request = Request(url, data, {"Content-Type": "application/json; charset=utf-8"})  # noqa: S310 - Apprise's own
    with _opener.open(request, timeout=TIMEOUT_S) as response:
        if response.status != _OK:
            return False
        answer = response.read(_LONGEST_ANSWER)
    return is_taken(answer, codes)


def is_taken(answer: bytes, codes: Sequence[str]) -> bool:
    """Return whether an answer is a JSON object with at least one of `codes`, and 0 under each."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    found = [told[code] for code in codes if code in told] if isinstance(told, dict) else []
    return bool(found) and all(code == 0 and not isinstance(code, bool) for code in found)
