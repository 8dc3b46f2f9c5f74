"""The people of a story, acting through the platform's JSON API as its pages do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from anju_sim.story import Act, Deed, Who

_CONFLICT = 409
_NOT_YET = frozenset({404, 409, 422, 425, 503})
"""Answers that may change when somebody else has acted first."""
_COLLISION = "urn:anju:problem:changed-meanwhile"
"""A conflict that says nothing about what was done: two wrote at the same moment."""


class LoginsUnreadable(ValueError):
    """The logins file of `anju platform seed` is missing or not of its form."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"logins file {path}: {why}")
        self.path = path
        self.why = why


class CallRefused(RuntimeError):
    """The platform refused a request, or could not be reached (status 0)."""

    def __init__(self, what: str, status: int, detail: str, kind: str = "") -> None:
        super().__init__(f"{what}: {status or 'unreachable'} {detail}")
        self.what = what
        self.status = status
        self.detail = detail
        self.kind = kind
        """Type of the problem details."""

    @property
    def may_pass(self) -> bool:
        """Whether trying again later can help."""
        return self.status == 0 or self.status in _NOT_YET

    @property
    def stands(self) -> bool:
        """Whether things are in a state in which this can't be done: where it was tried before, it may have been."""
        return self.status == _CONFLICT and self.kind != _COLLISION


@dataclass(frozen=True, slots=True)
class Login:
    """A seeded account."""

    login: str
    password: str
    role: str
    name: str = ""
    community: str = ""


def read_logins(path: Path) -> list[Login]:
    """Raises `LoginsUnreadable`."""
    try:
        rows = json.loads(path.read_bytes())
        return [
            Login(row["login"], row["password"], row["role"], row.get("name", ""), row.get("community") or "")
            for row in rows
        ]
    except OSError as error:
        raise LoginsUnreadable(path, error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoginsUnreadable(path, f"{type(error).__name__}: {error}") from None


class Person:
    """Somebody signed in."""

    def __init__(self, base_url: str, login: Login) -> None:
        self.login = login
        self.client = httpx.Client(base_url=f"{base_url}/api/v1", timeout=10.0)

    def sign_in(self) -> None:
        """Raises `CallRefused`."""
        answer = self.call("POST", "/sessions", {"login": self.login.login, "password": self.login.password})
        self.client.headers["Authorization"] = f"Bearer {answer['token']}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """The answer's JSON; raises `CallRefused`."""
        what = f"{self.login.login} {method} {path}"
        try:
            answer = self.client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise CallRefused(what, 0, str(error)) from None
        if answer.is_error:
            raise CallRefused(what, answer.status_code, *_problem(answer))
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Close the connection."""
        self.client.close()


@dataclass(slots=True)
class Course:
    """How far the people are with one alert."""

    alert_id: str
    home: str
    step: int = 0
    due_s: float = 0.0
    """Not before this (Unix s)."""
    visit_id: str = ""
    carer: Person | None = None
    refusal: str = ""
    """What the last attempt met."""
    unsure: bool = False
    """The platform was lost in an attempt at this act: a conflict now says that it had been done."""
    done: list[str] = field(default_factory=list)


class People:
    """Does the acts of a story, each once it is due and possible."""

    def __init__(
        self, worker: Person, carers: list[Person], acts: list[Act], code_of: Callable[[str], str | None]
    ) -> None:
        self._worker, self._carers, self._acts, self._code_of = worker, carers, acts, code_of
        self._deeds: dict[Deed, Callable[[Course], bool]] = {
            Deed.TAKE: lambda course: self._on_alert(course, "take", {}),
            Deed.CONTACTED: lambda course: self._on_alert(course, "contacted", _CONTACTED),
            Deed.DISPATCH: lambda course: self._on_alert(course, "dispatch", _DISPATCH),
            Deed.RESOLVE: lambda course: self._on_alert(course, "resolve", _OUTCOME),
            Deed.ACCEPT: self._accept,
            Deed.CHECK_IN: self._check_in,
            Deed.TASKS: self._tasks,
            Deed.CHECK_OUT: lambda course: self._on_visit(course, course.carer, "check-out", _REPORT),
            Deed.CONFIRM: lambda course: self._on_visit(course, self._worker, "confirm", _NOTE),
        }

    def act(self, course: Course, now_s: float) -> None:
        """Do the next act if its time has come; what can't be done yet is tried again. Raises `CallRefused`."""
        if course.step >= len(self._acts) or now_s < course.due_s:
            return
        act = self._acts[course.step]
        try:
            finished = self._deeds[act.does](course)
        except CallRefused as refusal:
            finished = course.unsure and refusal.stands
            course.unsure = course.unsure or refusal.status == 0
            course.refusal = str(refusal)
            if not (finished or refusal.may_pass):
                raise
        course.due_s = now_s + 0.2
        if not finished:
            return
        course.done.append(act.does)
        course.step += 1
        course.refusal, course.unsure = "", False
        if course.step < len(self._acts):
            course.due_s = now_s + self._acts[course.step].after_s

    def first_due(self, now_s: float) -> float:
        """When the first act follows something seen at `now_s`."""
        return now_s + (self._acts[0].after_s if self._acts else 0.0)

    def waiting_for(self, course: Course) -> str:
        """The act that is to come next, and what holds it up."""
        if course.step >= len(self._acts):
            return ""
        act = self._acts[course.step]
        return f"{act.who} {act.does}{f': {course.refusal}' if course.refusal else ''}"

    def _on_alert(self, course: Course, verb: str, body: dict[str, Any]) -> bool:
        self._worker.call("POST", f"/alerts/{course.alert_id}/{verb}", body)
        return True

    def _on_visit(self, course: Course, who: Person | None, verb: str, body: dict[str, Any]) -> bool:
        if who is None or not course.visit_id:
            return False
        who.call("POST", f"/visits/{course.visit_id}/{verb}", body)
        return True

    def _accept(self, course: Course) -> bool:
        if course.unsure and course.carer is not None:
            return self._accept_again(course, course.carer)
        for carer in self._carers:
            for offer in carer.call("GET", "/visits?mine=offers"):
                if str(offer.get("alert_id")) == course.alert_id:
                    course.visit_id, course.carer = str(offer["id"]), carer
                    carer.call("POST", f"/visits/{course.visit_id}/accept", {})
                    return True
        course.refusal = "no carer has an offer of it yet"
        return False

    def _accept_again(self, course: Course, carer: Person) -> bool:
        """The answer was lost. To accept twice is to accept once; a conflict says that the offer is no more hers."""
        try:
            carer.call("POST", f"/visits/{course.visit_id}/accept", {})
        except CallRefused as refusal:
            if not refusal.stands:
                raise
            course.visit_id, course.carer, course.unsure, course.refusal = "", None, False, str(refusal)
            return False
        return True

    def _check_in(self, course: Course) -> bool:
        code = self._code_of(course.home)
        if code is None:
            course.refusal = "the home has not told a code yet"
            return False
        return self._on_visit(course, course.carer, "check-in", {"code": code})

    def _tasks(self, course: Course) -> bool:
        if course.carer is None:
            return False
        visit = course.carer.call("GET", f"/visits/{course.visit_id}")
        for task in visit["tasks"]:
            if task.get("done") is None:
                course.carer.call("POST", f"/visits/{course.visit_id}/tasks", {"task": task["id"], "done": True})
        return True


def staff(base_url: str, logins: list[Login], who: Who, community: str) -> list[Person]:
    """Everybody of a role who may act in the community, signed in. Raises `CallRefused`."""
    people = [Person(base_url, login) for login in logins if login.role == who and login.community in {"", community}]
    for person in people:
        person.sign_in()
    return people


_CONTACTED = {"who": "elder", "outcome": "reached_help", "note": "story"}
_DISPATCH = {"category": "emergency", "note": "story"}
_OUTCOME = {"outcome": "real_helped", "note": "story"}
_REPORT = {"report": {"condition": "fine", "summary": "story", "elder": "confirmed"}}
_NOTE = {"note": "story"}


def _problem(answer: httpx.Response) -> tuple[str, str]:
    """What it says, and its type."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:200], ""
    if not isinstance(problem, dict):
        return str(problem), ""
    return str(problem.get("detail") or problem.get("title") or problem), str(problem.get("type", ""))
