"""Answers to errors: problem details (RFC 9457) for programs, a page with what to do for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from anju_core.errors import Conflict, DomainError, Invalid, NotFound, Refused, TooMany, Unauthenticated
from anju_platform.db.errors import CommitRefused
from anju_platform.i18n.translation import N_

MEDIA_TYPE = "application/problem+json"
WHY = "X-Why"
"""Header of an answer to a part of a page: the reason of a refusal in the reader's language, percent-encoded."""
STATUS: dict[type[DomainError], HTTPStatus] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Refused: HTTPStatus.FORBIDDEN,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Status of each family of domain errors."""
_RESERVED = frozenset({"type", "title", "status", "detail", "instance"})
_SAYINGS: dict[int, tuple[str, str]] = {
    401: (N_("请先登录"), N_("登录以后再打开这一页。")),
    403: (N_("您没有这个权限"), N_("这一页是给别的岗位看的。如果您应该看得到，请找社区主任开通。")),
    404: (N_("找不到，或者不在您的范围内"), N_("地址可能打错了，或者这一家不归您负责。")),
    409: (N_("情况已经变了"), N_("别人刚刚改过，请回去再看一眼。")),
    413: (N_("内容太大"), N_("请分几次填写。")),
    422: (N_("填写的内容有问题"), N_("请回去检查填过的地方。")),
    429: (N_("尝试太多次了"), N_("请过一会儿再试。")),
    503: (N_("暂时连不上数据库"), N_("没有改动任何东西，请过几秒再试。紧急情况请直接打电话。")),
}
UNUSABLE_TEXT = N_("有不能用的字符"), N_("文字里混进了不能保存的字符，请删掉再重新输入。")
SLOW_REQUEST = N_("网络太慢"), N_("内容没有全部传上来，没有改动任何东西，请再试一次。")
_UNFORESEEN = N_("出了问题"), N_("已经记进日志，没有改动任何东西。紧急情况请直接打电话。")
"""Title and advice of an error page."""

_log = structlog.get_logger("anju.web")


class Problem(BaseModel):
    """Problem details (RFC 9457); further members are the error's facts."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


def problem_type(error: type[Exception]) -> str:
    """Return the URN of an error's class: `urn:anju:problem:home-not-found` of `HomeNotFound`."""
    return "urn:anju:problem:" + re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


def status_of(error: DomainError) -> HTTPStatus:
    """Return the HTTP status of an error, by the nearest of its base classes in `STATUS`."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.BAD_REQUEST


def problem(status: int, detail: str, kind: str = "about:blank", title: str = "", **facts: object) -> Response:
    """Return an answer in problem details."""
    body = {name: value for name, value in facts.items() if name not in _RESERVED}
    body |= {"type": kind, "title": title or HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Register the handlers that answer every error in one of the two forms."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StaleDataError, _collision)
    app.add_exception_handler(IntegrityError, _collision)
    app.add_exception_handler(DataError, _value)
    app.add_exception_handler(OperationalError, _unavailable)
    app.add_exception_handler(CommitRefused, _unavailable)
    app.add_exception_handler(Exception, _unforeseen)


def _domain(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for it
    status = status_of(error)
    title = (type(error).__doc__ or "").strip().split("\n", 1)[0].rstrip(".")
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request, error, title)
    answer = answer_problem(request, status, str(error), problem_type(type(error)), title, facts=error.facts())
    if WHY in answer.headers:
        answer.headers[WHY] = quote(request.state.pages.explain_error(request, error))
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _to_sign_in(request: Request, error: Unauthenticated, title: str) -> Response:
    if _wants_page(request):
        ended = _ended_address(request) if request.method == "POST" else f"/login?next={quote(request.url.path)}"
        return RedirectResponse(ended, HTTPStatus.SEE_OTHER)
    answer = problem(HTTPStatus.UNAUTHORIZED, str(error), problem_type(type(error)), title, **error.facts())
    answer.headers["WWW-Authenticate"] = "Bearer"
    if "hx-request" in request.headers:
        answer.headers["HX-Redirect"] = _ended_address(request)
    return answer


def _ended_address(request: Request) -> str:
    """Return the sign-in page that says that the session ended and leads back to the page that was open."""
    page = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    return f"/login?ended=1&next={quote(urlsplit(page).path)}"


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    faults = [{"path": _path(fault["loc"]), "reason": fault["msg"]} for fault in error.errors()]
    detail = "; ".join(f"{fault['path']}: {fault['reason']}" for fault in faults)
    kind = "urn:anju:problem:invalid-request"
    title = "The request cannot be read"
    return answer_problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind, title, facts={"errors": faults})


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    answer = answer_problem(request, error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _collision(request: Request, error: Exception) -> Response:
    _log.warning("collision", error=type(error).__name__)
    detail = "somebody else changed this at the same moment; look again and repeat"
    kind = "urn:anju:problem:changed-meanwhile"
    return answer_problem(request, HTTPStatus.CONFLICT, detail, kind, "Changed meanwhile")


def _value(request: Request, error: Exception) -> Response:
    """Answer where a database refuses a value that passed every check before it: a number too large for its column."""
    _log.warning("the records refuse a value", error=type(error).__name__)
    detail = "a value of the request does not fit into the records"
    kind = "urn:anju:problem:value-refused"
    return answer_problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind, "A value cannot be stored")


def _unavailable(request: Request, error: Exception) -> Response:
    _log.error("database unavailable", error=type(error).__name__)
    detail = "the records cannot be reached at the moment; nothing was changed"
    answer = answer_problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, "urn:anju:problem:records-unavailable")
    answer.headers["Retry-After"] = "5"
    return answer


def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("unforeseen error", exc_info=error)
    detail = "an error that we did not foresee; it is in the platform's log, nothing was changed"
    return answer_problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def answer_problem(
    request: Request,
    status: int,
    detail: str,
    kind: str = "about:blank",
    title: str = "",
    *,
    facts: Mapping[str, object] | None = None,
    saying: tuple[str, str] | None = None,
) -> Response:
    """Return the answer to an error: a page for people, problem details for programs.

    saying: title and advice of the page, as msgids; by default those of the status.
    """
    pages = getattr(request.state, "pages", None)
    if pages is None:
        return problem(status, detail, kind, title, **(facts or {}))
    words = pages.select_words(request)
    title_shown, way_on = (words(text) for text in saying or _SAYINGS.get(status, _UNFORESEEN))
    if not _wants_page(request):
        answer = problem(status, detail, kind, title, **(facts or {}))
        if "hx-request" in request.headers:
            answer.headers[WHY] = quote(words("%(what)s。%(advice)s", what=title_shown, advice=way_on))
        return answer
    page: Response = pages.render(request, "error.html", status=status, title=title_shown, detail=way_on)
    return page


def _wants_page(request: Request) -> bool:
    """Tell whether a person will see the answer as a whole page."""
    if request.url.path.startswith("/api/") or "hx-request" in request.headers:
        return False
    return "text/html" in request.headers.get("accept", "")


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
