"""Steps of the machine's clock in the middle of a siege: every message to people comes when it would have come."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from fixtures._stepped_clock import SteppedClock
from fixtures.alert_harness import AlertHarness, build_alert_harness
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from anju_core.escalation import DEFAULT_POLICIES
from anju_core.vocabulary import AlertKind, Channel, Role
from anju_platform.accounts.deadlines import SessionDeadlines
from anju_platform.accounts.models import Session
from anju_platform.app.clock_steps import CONFIRM_S, FARTHEST_S, ClockSteps, OpenDeadlines
from anju_platform.app.technical_alerts import CLOCK_STEPPED, TechnicalAlerts
from anju_platform.devices.deadlines import LastSeenTimes
from anju_platform.i18n.translation import load_words
from anju_platform.notifications.deadlines import OutboxDeadlines
from anju_platform.visits.models import VisitTask

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
HOUR_S, YEAR_S = 3600.0, 365.25 * 86400.0
WITHIN_S = 2.0
KINDS = (AlertKind.SOS, AlertKind.FALL, AlertKind.SMOKE, AlertKind.LEAK)
Told = tuple[int, str, int, int]
"""Number of the alert, person, level, and how often it was told before (a press that is repeated)."""
Change = Callable[[SteppedClock], None]


@contextmanager
def _quiet(_patience_s: float) -> Iterator[bool]:
    yield True


@dataclass
class Siege:
    """The alerts of a community under a clock that is stepped, tick by tick as the scheduler does it."""

    stage: AlertHarness
    clock: SteppedClock
    alerts: list[UUID] = field(default_factory=list)
    told: dict[Told, float] = field(default_factory=dict)
    jumps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        stage = self.stage
        holders = (
            stage.alerts.deadlines,
            stage.visits.deadlines,
            OutboxDeadlines(),
            SessionDeadlines(),
            LastSeenTimes(),
        )
        self.deadlines = OpenDeadlines(stage.work, holders)
        self.names = {f"account:{person.account_id}": name for name, person in stage.people.items()}
        self.shifted: list[float] = []
        self.steps = ClockSteps(
            self.clock,
            self.deadlines,
            hold=_quiet,
            fence=stage.fence,
            leads=lambda: True,
            shift_times=[self.shifted.append],
            tell=self.jumps.append,
            metrics=CollectorRegistry(),
        )
        stage.open_pages(*stage.people.values())

    def let_pass(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.stage.once(self.clock.forward(1.0))
            self.steps.look()
            self._read_pages()

    def _read_pages(self) -> None:
        for topic, event, data in self.stage.pages.seen:
            if event == "told" and "alert_id" in data:
                step = (self.alerts.index(UUID(data["alert_id"])), self.names[topic], data["level"])
                again = sum(key[:3] == step for key in self.told)
                self.told[*step, again] = self.clock.monotonic_s
        self.stage.pages.seen.clear()

    def run(self, seed: int, changes: dict[int, Change]) -> dict[Told, float]:
        """Raise alerts of all kinds for eight minutes, with `changes` of the machine's clock in them, by second."""
        rng = random.Random(seed)
        for second in range(360):
            if second in changes:
                changes[second](self.clock)
            if second % 40 == 0:
                home = rng.choice(["home-01", "home-02"])
                suspected = rng.random() < 0.2
                self.alerts.append(self.stage.raise_alert(rng.choice(KINDS), home_id=home, suspected=suspected))
            if second % 150 == 149:
                self.stage.do("acknowledge_alert", self.alerts[-1], self.stage.people["wang"])
            self.let_pass(1)
        return self.told


@pytest.fixture
def siege(sqlite_url: str) -> Iterator[Siege]:
    clock = SteppedClock(START)
    stage, engine = build_alert_harness(sqlite_url, clock)
    yield Siege(stage, clock)
    engine.dispose()


@pytest.fixture(scope="module")
def undisturbed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Told, float]:
    path = tmp_path_factory.mktemp("undisturbed") / "anju.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    clock = SteppedClock(START)
    stage, engine = build_alert_harness(f"sqlite:///{path}", clock)
    told = Siege(stage, clock).run(7, {})
    engine.dispose()
    assert len(told) > 15
    return told


def _step(by_s: float) -> Change:
    return lambda clock: clock.step(by_s)


def _slew(rate: float) -> Change:
    return lambda clock: clock.set_slew(rate)


@pytest.mark.parametrize(
    "changes",
    [
        {100: _step(HOUR_S), 110: _step(-HOUR_S)},
        {100: _step(10 * YEAR_S), 110: _step(-10 * YEAR_S)},
        {95: _step(HOUR_S), 300: _step(-HOUR_S)},
        {95: _step(-HOUR_S), 300: _step(HOUR_S)},
        {95: _step(10 * YEAR_S), 300: _step(-10 * YEAR_S)},
        {95: _step(-10 * YEAR_S)},
        {50: _slew(0.0005), 250: _slew(-0.0005)},
        {100: _step(7.0), 130: _step(40.0), 131: _step(-HOUR_S), 250: _step(0.5 * HOUR_S), 270: _slew(0.0005)},
    ],
    ids=["hour-10s", "years-10s", "hour-on", "hour-back", "years-on", "years-back", "slew", "many"],
)
def test_every_message_comes_at_its_true_time(
    siege: Siege, undisturbed: dict[Told, float], changes: dict[int, Change]
) -> None:
    told = siege.run(7, changes)
    assert set(told) == set(undisturbed)
    late = {key: told[key] - at for key, at in undisturbed.items() if abs(told[key] - at) > WITHIN_S}
    assert late == {}


def test_on_postgresql_every_message_comes_at_its_true_time(postgres_url: str, undisturbed: dict[Told, float]) -> None:
    clock = SteppedClock(START)
    stage, engine = build_alert_harness(postgres_url, clock)
    told = Siege(stage, clock).run(7, {60: _step(HOUR_S), 180: _step(-2 * HOUR_S)})
    engine.dispose()
    assert set(told) == set(undisturbed)
    assert [key for key, at in undisturbed.items() if abs(told[key] - at) > WITHIN_S] == []


def test_a_step_is_told_counted_and_followed_only_once_it_lasts(siege: Siege) -> None:
    siege.let_pass(5)
    siege.clock.step(HOUR_S)
    siege.let_pass(10)
    assert [round(by_s) for by_s in siege.jumps] == [3600]
    assert siege.steps.noticed_at is not None
    assert siege.clock.now() == START + timedelta(seconds=15)
    siege.let_pass(CONFIRM_S)
    assert siege.clock.now() == START + timedelta(seconds=15 + CONFIRM_S, hours=1)
    assert siege.shifted == [pytest.approx(HOUR_S)]
    assert siege.steps.step is None


@pytest.mark.parametrize("by_s", [FARTHEST_S + 60, -FARTHEST_S - 60, 10 * YEAR_S, 8000 * YEAR_S, -60 * YEAR_S])
def test_a_step_to_a_time_that_cannot_be_is_told_and_never_followed(siege: Siege, by_s: float) -> None:
    siege.clock.step(by_s)
    siege.let_pass(3 * CONFIRM_S)
    assert siege.clock.now() == START + timedelta(seconds=3 * CONFIRM_S)
    assert [round(one) for one in siege.jumps] == [round(by_s)]
    assert siege.steps.step is not None


def test_a_clock_that_was_never_set_is_followed_however_far(sqlite_url: str) -> None:
    clock = SteppedClock(datetime(1970, 1, 1, 0, 2, tzinfo=UTC))
    stage, engine = build_alert_harness(sqlite_url, clock)
    siege = Siege(stage, clock)
    alert_id = stage.raise_alert()
    clock.step((START - clock.now()).total_seconds())
    siege.steps.look()
    clock.forward(CONFIRM_S)
    siege.steps.look()
    now = clock.now()
    assert abs((now - START).total_seconds()) < CONFIRM_S + 1
    due = stage.alert(alert_id).next_due_at
    assert due is not None
    assert abs((due - now).total_seconds()) < 1
    engine.dispose()


def test_a_slew_is_told_to_nobody(siege: Siege) -> None:
    siege.clock.set_slew(0.05)
    siege.let_pass(200)
    assert siege.jumps == []
    assert siege.steps.noticed_at is None


def test_a_telling_that_fails_is_made_up_for(siege: Siege) -> None:
    failures = iter([True, False])

    def stumble(by_s: float) -> None:
        if next(failures):
            raise ConnectionError
        siege.jumps.append(by_s)

    siege.steps._tell = stumble
    siege.clock.step(-500.0)
    with pytest.raises(ConnectionError):
        siege.steps.look()
    siege.steps.look()
    siege.steps.look()
    assert [round(one) for one in siege.jumps] == [-500]


def test_the_district_is_told_of_a_step_in_its_languages(harness: AlertHarness) -> None:
    alerts = TechnicalAlerts(harness.work, harness.outbox, harness.oncall, load_words())
    alerts.tell(CLOCK_STEPPED, seconds=3600)
    alerts.tell(CLOCK_STEPPED, seconds=-3600)
    told = [row for row in harness.messages(Channel.BOARD) if row.alert_id is None]
    assert {row.payload["to_name"] for row in told} == {"赵主任"}  # no district account: the supervisor
    assert len(told) == 2
    assert "3600" in told[0].body


@pytest.mark.parametrize("ahead_s", [HOUR_S, 10 * YEAR_S])
def test_what_a_clock_that_was_ahead_has_set_is_pulled_back_at_start(
    harness_everywhere: AlertHarness, ahead_s: float
) -> None:
    stage = harness_everywhere
    stage.clock.forward(ahead_s)
    kinds = (AlertKind.SOS, AlertKind.LEAK, AlertKind.HOME_OFFLINE)
    fresh = [stage.raise_alert(kind, home_id="home-02") for kind in kinds]
    suspected = stage.raise_alert(AlertKind.FALL, suspected=True)
    alert_id, visit_id = stage.dispatched()
    stage.once(stage.clock.forward(301))
    stage.clock.forward(-ahead_s)
    now = stage.clock.now()
    holders = (stage.alerts.deadlines, stage.visits.deadlines, OutboxDeadlines(), SessionDeadlines(), LastSeenTimes())
    deadlines = OpenDeadlines(stage.work, holders)
    assert deadlines.bound() > 0
    for one in (*fresh, suspected, alert_id):
        alert = stage.alert(one)
        assert alert.next_due_at is not None
        policy = DEFAULT_POLICIES[AlertKind(alert.kind)]
        longest_s = max(policy.repeat_s, policy.dispatched_s, *(step.after_s for step in policy.steps))
        assert alert.next_due_at <= now + timedelta(seconds=longest_s)
        assert alert.escalation_started_at <= now or one == alert_id
    with stage.work() as work:
        visit = work.session.scalars(select(VisitTask).where(VisitTask.id == visit_id)).one()
        assert visit.next_due_at is None or visit.next_due_at <= now + timedelta(minutes=45)
    assert all(row.due_at <= now + timedelta(minutes=5) for row in stage.messages() if row.state == "pending")
    assert deadlines.bound() == 0


def test_a_right_clock_leaves_every_deadline(harness: AlertHarness) -> None:
    holders = (harness.alerts.deadlines, harness.visits.deadlines, OutboxDeadlines(), SessionDeadlines())
    deadlines = OpenDeadlines(harness.work, holders)
    raised = [harness.raise_alert(kind) for kind in KINDS]
    harness.dispatched()
    for _ in range(30):
        before = [harness.alert(one).next_due_at for one in raised]
        assert deadlines.bound() == 0
        assert [harness.alert(one).next_due_at for one in raised] == before
        harness.tick(29.0)


def test_a_step_signs_nobody_out(harness: AlertHarness) -> None:
    now = harness.clock.now()
    person = harness.people["wang"].account_id
    assert harness.people["wang"].role is Role.WORKER
    with harness.work() as work:
        work.session.add(
            Session(
                token_hash="a" * 64,
                account_id=person,
                csrf="c",
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(hours=12),
            )
        )
    by = timedelta(hours=20)
    OpenDeadlines(harness.work, [SessionDeadlines()]).shift(by)
    with harness.work() as work:
        assert work.session.scalars(select(Session)).one().expires_at == now + timedelta(hours=12) + by
    assert OpenDeadlines(harness.work, [SessionDeadlines()]).bound() == 0
    harness.clock.forward(-40 * 86400.0)
    assert OpenDeadlines(harness.work, [SessionDeadlines()]).bound() == 1
