"""The staff of a scenario: they act on alerts and visits through the platform's JSON API, as its pages do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from anju_sim.scenario import StaffAction, StaffRole, StaffStep

_CONFLICT = 409
_MAY_CHANGE = frozenset({404, 409, 422, 425, 503})
"""Status codes that may differ once somebody else has acted first."""
_COLLISION = "urn:anju:problem:changed-meanwhile"
"""Type of a conflict that only says that two wrote at the same moment, not what had been done."""
_RETRY_S = 0.2


class LoginsUnreadable(ValueError):
    """The logins file of `anju platform seed` is missing or malformed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"logins file {path}: {why}")
        self.path = path
        self.why = why


class CallRefused(RuntimeError):
    """The platform refused a request, or could not be reached (status 0)."""

    def __init__(self, what: str, status: int, detail: str, kind: str = "", *, maybe_done: bool = False) -> None:
        super().__init__(f"{what}: {status or 'unreachable'} {detail}")
        self.what = what
        self.status = status
        self.detail = detail
        self.kind = kind
        """The `type` of the problem details (RFC 9457)."""
        self.maybe_done = maybe_done
        """Whether it was a change whose answer was lost: it may have been carried out."""

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 0 or self.status in _MAY_CHANGE

    @property
    def is_settled_conflict(self) -> bool:
        """Whether the state excludes the request: after a lost answer, it may have been carried out before."""
        return self.status == _CONFLICT and self.kind != _COLLISION


@dataclass(frozen=True, slots=True)
class SeededLogin:
    """One account of the logins file."""

    login: str
    password: str
    role: str
    name: str = ""
    community: str = ""
    """Empty for accounts that act in every community."""


def read_logins(path: Path) -> list[SeededLogin]:
    """Read the logins file of `anju platform seed`; raises `LoginsUnreadable`."""
    try:
        rows = json.loads(path.read_bytes())
        return [
            SeededLogin(row["login"], row["password"], row["role"], row.get("name", ""), row.get("community") or "")
            for row in rows
        ]
    except OSError as error:
        raise LoginsUnreadable(path, error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoginsUnreadable(path, f"{type(error).__name__}: {error}") from None


class StaffClient:
    """A JSON API client for one account."""

    def __init__(self, base_url: str, login: SeededLogin) -> None:
        self.login = login
        self.http = httpx.Client(base_url=f"{base_url}/api/v1", timeout=60.0)

    def sign_in(self) -> None:
        """Open a session, whose token later requests carry; raises `CallRefused`."""
        answer = self.call_api("POST", "/sessions", {"login": self.login.login, "password": self.login.password})
        self.http.headers["Authorization"] = f"Bearer {answer['token']}"

    def call_api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the decoded JSON of the answer, None for an empty one; raises `CallRefused`."""
        what = f"{self.login.login} {method} {path}"
        try:
            answer = self.http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise CallRefused(what, 0, str(error), maybe_done=method != "GET") from None
        if answer.is_error:
            raise CallRefused(what, answer.status_code, *_problem(answer))
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Close the connection."""
        self.http.close()


@dataclass(slots=True)
class AlertProgress:
    """How far staff are with one alert."""

    alert_id: str
    home: str
    step: int = 0
    """Index of the next step."""
    due_s: float = 0.0
    """Earliest time of the next step, Unix s."""
    visit_id: str = ""
    carer: StaffClient | None = None
    refusal: str = ""
    """Why the last attempt failed."""
    unsure: bool = False
    """Whether an answer to this step was lost, so that a conflict now means that it had been done."""
    done: list[str] = field(default_factory=list)
    """Actions of the finished steps."""


class StaffScript:
    """Carries out the steps of a scenario's staff, each once it is due and possible."""

    def __init__(
        self,
        worker: StaffClient,
        carers: list[StaffClient],
        steps: list[StaffStep],
        code_of: Callable[[str], str | None],
    ) -> None:
        """`code_of` returns the arrival code that a home announced, None before it did."""
        self._worker, self._carers, self._steps, self._code_of = worker, carers, steps, code_of
        self._actions: dict[StaffAction, Callable[[AlertProgress], bool]] = {
            StaffAction.ACKNOWLEDGE: lambda progress: self._post_alert(progress, "acknowledge", {}),
            StaffAction.UNACKNOWLEDGE: lambda progress: self._post_alert(progress, "unacknowledge", {}),
            StaffAction.LOG_CONTACT: lambda progress: self._post_alert(progress, "contact-attempts", _CONTACT_ATTEMPT),
            StaffAction.DISPATCH: lambda progress: self._post_alert(progress, "dispatch", _DISPATCH),
            StaffAction.RESOLVE: lambda progress: self._post_alert(progress, "resolve", _OUTCOME),
            StaffAction.GO_MYSELF: lambda progress: self._post_alert(progress, "en-route", {}),
            StaffAction.ARRIVE: self._arrive,
            StaffAction.DECLINE_ALL: self._decline_all,
            StaffAction.ACCEPT: self._accept,
            StaffAction.HAND_BACK: lambda progress: self._post_visit(progress, progress.carer, "decline", _REASON),
            StaffAction.CHECK_IN: self._check_in,
            StaffAction.COMPLETE_TASKS: self._complete_tasks,
            StaffAction.CHECK_OUT: lambda progress: self._post_visit(progress, progress.carer, "check-out", _REPORT),
            StaffAction.CONFIRM: lambda progress: self._post_visit(progress, self._worker, "confirm", _NOTE),
        }

    def advance(self, progress: AlertProgress, now_s: float) -> None:
        """Attempt the next step if it is due at `now_s`; one that is not yet possible is attempted again.

        Raises `CallRefused` where a later attempt cannot help.
        """
        if progress.step >= len(self._steps) or now_s < progress.due_s:
            return
        step = self._steps[progress.step]
        try:
            finished = self._actions[step.action](progress)
        except CallRefused as refusal:
            finished = progress.unsure and refusal.is_settled_conflict
            progress.unsure = progress.unsure or refusal.maybe_done
            progress.refusal = str(refusal)
            if not (finished or refusal.may_pass):
                raise
        progress.due_s = now_s + _RETRY_S
        if not finished:
            return
        progress.done.append(step.action)
        progress.step += 1
        progress.refusal, progress.unsure = "", False
        if progress.step < len(self._steps):
            progress.due_s = now_s + self._steps[progress.step].after_s

    def first_due(self, now_s: float) -> float:
        """Return when the first step is due for an alert that was shown at `now_s`, Unix s."""
        return now_s + (self._steps[0].after_s if self._steps else 0.0)

    def describe_pending(self, progress: AlertProgress) -> str:
        """Return the next step and why it was refused, for a report; empty when all are done."""
        if progress.step >= len(self._steps):
            return ""
        step = self._steps[progress.step]
        return f"{step.role} {step.action}{f': {progress.refusal}' if progress.refusal else ''}"

    def _post_alert(self, progress: AlertProgress, verb: str, body: dict[str, Any]) -> bool:
        self._worker.call_api("POST", f"/alerts/{progress.alert_id}/{verb}", body)
        return True

    def _post_visit(self, progress: AlertProgress, who: StaffClient | None, verb: str, body: dict[str, Any]) -> bool:
        if who is None or not progress.visit_id:
            return False
        who.call_api("POST", f"/visits/{progress.visit_id}/{verb}", body)
        return True

    def _accept(self, progress: AlertProgress) -> bool:
        if progress.unsure and progress.carer is not None:
            return self._accept_again(progress, progress.carer)
        for carer in self._carers:
            for offer in carer.call_api("GET", "/visits?mine=offers"):
                if str(offer.get("alert_id")) == progress.alert_id:
                    progress.visit_id, progress.carer = str(offer["id"]), carer
                    carer.call_api("POST", f"/visits/{progress.visit_id}/accept", {})
                    return True
        progress.refusal = "no carer has an offer of it yet"
        return False

    def _accept_again(self, progress: AlertProgress, carer: StaffClient) -> bool:
        """Accept after a lost answer: accepting is idempotent, and a conflict means that the offer has lapsed."""
        try:
            carer.call_api("POST", f"/visits/{progress.visit_id}/accept", {})
        except CallRefused as refusal:
            if not refusal.is_settled_conflict:
                raise
            progress.visit_id, progress.carer, progress.unsure, progress.refusal = "", None, False, str(refusal)
            return False
        return True

    def _decline_all(self, progress: AlertProgress) -> bool:
        """Let whoever is asked decline; finished once the alert says that nobody is left."""
        for carer in self._carers:
            for offer in carer.call_api("GET", "/visits?mine=offers"):
                if str(offer.get("alert_id")) == progress.alert_id:
                    carer.call_api("POST", f"/visits/{offer['id']}/decline", _BUSY)
        history = self._worker.call_api("GET", f"/alerts/{progress.alert_id}")["history"]
        progress.refusal = "a carer is still asked"
        return any(step["step"] == "visit_failed" for step in history)

    def _arrive(self, progress: AlertProgress) -> bool:
        code = self._code_of(progress.home)
        if code is None:
            progress.refusal = "the home has not announced a code yet"
            return False
        return self._post_alert(progress, "arrive", {"code": code})

    def _check_in(self, progress: AlertProgress) -> bool:
        code = self._code_of(progress.home)
        if code is None:
            progress.refusal = "the home has not announced a code yet"
            return False
        return self._post_visit(progress, progress.carer, "check-in", {"code": code})

    def _complete_tasks(self, progress: AlertProgress) -> bool:
        if progress.carer is None:
            return False
        visit = progress.carer.call_api("GET", f"/visits/{progress.visit_id}")
        for task in visit["tasks"]:
            if task.get("done") is None:
                done = {"task": task["id"], "done": True}
                progress.carer.call_api("POST", f"/visits/{progress.visit_id}/tasks", done)
        return True


def sign_in_staff(base_url: str, logins: list[SeededLogin], role: StaffRole, community: str) -> list[StaffClient]:
    """Return a signed-in client for every account of a role that may act in the community; raises `CallRefused`."""
    clients = [
        StaffClient(base_url, login) for login in logins if login.role == role and login.community in {"", community}
    ]
    for client in clients:
        client.sign_in()
    return clients


_CONTACT_ATTEMPT = {"who": "elder", "outcome": "reached_help", "note": "scenario"}
_DISPATCH = {"category": "emergency", "note": "scenario"}
_OUTCOME = {"outcome": "real_helped", "note": "scenario"}
_REASON = {"reason": "unwell"}
_BUSY = {"reason": "busy"}
_REPORT = {"report": {"condition": "fine", "summary": "scenario", "elder": "confirmed"}}
_NOTE = {"note": "scenario"}


def _problem(answer: httpx.Response) -> tuple[str, str]:
    """Return the detail and the type of a refusal's problem details."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:200], ""
    if not isinstance(problem, dict):
        return str(problem), ""
    return str(problem.get("detail") or problem.get("title") or problem), str(problem.get("type", ""))
