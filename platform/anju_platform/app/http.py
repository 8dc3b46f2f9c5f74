"""The web application: the routers of the slices and of the console, behind the security headers, with one lifespan."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any, TypedDict

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, Histogram
from starlette.middleware.gzip import GZipMiddleware

from anju_platform.app import health
from anju_platform.app.platform import Platform
from anju_platform.app.slices import endpoint_routers
from anju_platform.console.navigation import page_routers
from anju_platform.console.rendering import STATIC, Pages
from anju_platform.web import errors
from anju_platform.web.host_cookies import HostCookies
from anju_platform.web.languages import LanguageChoice
from anju_platform.web.request_guard import RequestGuard
from anju_platform.web.request_lanes import RequestLanes
from anju_platform.web.security_headers import API, RequestLog, SecurityHeaders
from anju_platform.web.services import Services
from anju_platform.web.static_files import VersionedFiles

_SMALLEST_ZIPPED = 1000
_APART = frozenset({f"{API}/health", "/metrics", "/login", f"{API}/sessions"})
"""Paths that take no place of pages and actions: what watches the platform, and signing in, which has its own lanes."""
_PROBLEM = {"content": {errors.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_RETRY = {"headers": {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request cannot be parsed", **_PROBLEM},
    401: {"model": errors.Problem, "description": "Not signed in", **_PROBLEM},
    403: {"description": "Not of the right role", **_PROBLEM},
    404: {"description": "Not there, or not within the person's scope", **_PROBLEM},
    408: {"description": "The body did not come in time", **_PROBLEM},
    409: {"description": "The state of things does not allow it", **_PROBLEM},
    413: {"description": "The body is too long", **_PROBLEM},
    422: {"description": "The request cannot be used", **_PROBLEM},
    429: {"description": "Tried too often, or too much at once", **_PROBLEM, **_RETRY},
    503: {"description": "The records cannot be reached, or too many requests wait", **_PROBLEM, **_RETRY},
}


class State(TypedDict):
    """What a request finds in `request.state`."""

    platform: Platform
    services: Services
    pages: Pages
    metrics: CollectorRegistry


def create_app(platform: Platform, registry: CollectorRegistry | None = None, pages: Pages | None = None) -> FastAPI:
    """Return the web application of a platform that is already built; whoever built that also stops it."""
    metrics = registry or CollectorRegistry()
    durations = Histogram("anju_http_seconds", "Duration of requests", ["method", "route", "status"], registry=metrics)
    app = bare_app(
        _lifespan(
            State(platform=platform, services=platform.services, pages=pages or Pages(platform.clock), metrics=metrics)
        )
    )
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=_SMALLEST_ZIPPED)
    app.add_middleware(RequestLanes, apart=_APART)
    app.add_middleware(RequestGuard)
    app.add_middleware(LanguageChoice)
    app.add_middleware(HostCookies, https_only=platform.settings.https_only)
    app.add_middleware(SecurityHeaders, https_only=platform.settings.https_only)
    app.add_middleware(RequestLog, durations=durations)
    app.add_api_route("/metrics", health.metrics, include_in_schema=False)
    for router in page_routers():
        app.include_router(router, include_in_schema=False)
    app.mount("/static", VersionedFiles(directory=STATIC, check_dir=False), name="static")
    return app


def bare_app(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[State]] | None = None) -> FastAPI:
    """Return an application with the JSON API alone."""
    app = FastAPI(
        title="Anju 安居",
        version=version("anju"),
        summary="Keeps old people who live alone safe at home.",
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    for router in (*endpoint_routers(), health.router):
        app.include_router(router, prefix=API, responses=_PROBLEMS)
    return app


def document() -> str:
    """Return the OpenAPI document as text, as docs/openapi.json holds it."""
    return json.dumps(bare_app().openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _lifespan(state: State) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        yield state
        state["platform"].hub.close()

    return lifespan


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0] if route.tags else 'pages'}_{route.name}"
