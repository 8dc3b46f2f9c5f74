"""Serves static files: an address with a version may be cached for a year, one without is revalidated."""

from __future__ import annotations

import os

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

_YEAR = "public, max-age=31536000, immutable"


class VersionedFiles(StaticFiles):
    """Static files that may be cached as immutable when the address has `?v=<content hash>`."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file with its `Cache-Control`."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        answer.headers["Cache-Control"] = _YEAR if versioned else "no-cache"
        return answer
