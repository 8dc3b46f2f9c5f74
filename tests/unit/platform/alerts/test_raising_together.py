"""Signals of different homes that are raised together end as they would have one by one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from fixtures.alert_harness import AlertHarness
from sqlalchemy import event, select

from anju_core.alert_signals import AlertSignal
from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.models import Outbox
from anju_platform.residents.errors import HomeNotFound
from anju_platform.residents.models import Home

HOMES = [f"flat-{number}" for number in range(40)]


class _Undo(Exception):
    """Rolls back what a test has only looked at."""


@pytest.fixture
def street(harness: AlertHarness) -> AlertHarness:
    """The harness with more homes."""
    with harness.work() as work:
        pattern = work.session.get_one(Home, "home-01")
        copied = {column.key: getattr(pattern, column.key) for column in Home.__table__.columns}
        work.session.add_all(Home(**{**copied, "id": home}) for home in HOMES)
    return harness


def look_at(harness: AlertHarness, raise_all: Callable[[UnitOfWork], object]) -> list[tuple[Any, ...]]:
    """Return what stands in the tables after `raise_all`, without ids and times of writing; it is rolled back."""
    seen: list[tuple[Any, ...]] = []
    with suppress(_Undo), harness.work() as work:
        raise_all(work)
        seen += list_rows(work)
        raise _Undo
    return sorted(seen, key=repr)


def list_rows(work: UnitOfWork) -> Iterator[tuple[Any, ...]]:
    names = {}
    for alert in work.session.scalars(select(Alert)):
        name = names[alert.id] = (alert.home_id, alert.kind, alert.episode)
        yield *name, alert.state, alert.suspected, alert.level, alert.next_due_at, alert.facts, alert.score
    for step in work.session.scalars(select(AlertEvent)):
        yield *names[step.alert_id], step.number, step.step, step.detail, step.source
    for row in work.session.scalars(select(Outbox)):
        assert row.alert_id is not None
        stem = row.dedup.replace(str(row.alert_id), "").replace(str(row.id), "")
        yield *names[row.alert_id], row.channel, row.address, row.urgency, row.subject, row.body, stem


def one_by_one(harness: AlertHarness, signals: Sequence[AlertSignal]) -> Callable[[UnitOfWork], object]:
    return lambda work: [harness.alerts.intake.raise_alert(work, signal) for signal in signals]


def together(harness: AlertHarness, signals: Sequence[AlertSignal]) -> Callable[[UnitOfWork], object]:
    return lambda work: harness.alerts.intake.raise_alerts(work, signals)


def any_signal(harness: AlertHarness, rng: random.Random) -> AlertSignal:
    kind = rng.choice([AlertKind.SOS, AlertKind.FALL, AlertKind.LEAK])
    at = harness.clock.now() - timedelta(seconds=rng.choice([0, 30, 400]))
    return harness.signal(
        kind,
        home_id=rng.choice(["home-01", "home-02", "flat-1", "flat-2"]),
        episode=rng.choice(["e-1", "e-2"]),
        suspected=kind is AlertKind.FALL and rng.random() < 0.5,
        source=f"gw/1/alarm/{rng.randrange(12)}/0",
        happened_at=at,
        due_since=at,
    )


@pytest.mark.parametrize("seed", range(25))
def test_together_is_as_one_by_one_whatever_is_open_or_closed_already(street: AlertHarness, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(rng.randrange(5)):
        with street.work() as work:
            alert_id = street.alerts.intake.raise_alert(work, any_signal(street, rng))
        if street.alert(alert_id).closed_at is None and rng.random() < 0.5:
            alert = street.alert(alert_id)
            street.do("acknowledge_alert", alert_id, street.wang)
            street.dismiss(alert.id, street.wang)
        street.clock.forward(60)
    signals = [any_signal(street, rng) for _ in range(rng.randrange(1, 9))]
    expected = look_at(street, one_by_one(street, signals))
    assert expected
    assert look_at(street, together(street, signals)) == expected


def test_many_new_alerts_cost_no_more_statements_than_one(street: AlertHarness) -> None:
    def count(homes: Sequence[str]) -> int:
        statements: list[str] = []
        with street.work() as work:
            bind = work.session.get_bind()
            listen = ("before_cursor_execute", lambda *args: statements.append(args[2]))
            event.listen(bind, *listen)
            street.alerts.intake.raise_alerts(work, [street.signal(home_id=home) for home in homes])
            event.remove(bind, *listen)
        return len(statements)

    one = count(HOMES[:1])
    assert 5 < one <= 12
    assert count(HOMES[1:33]) <= one + 2


def test_a_home_that_is_none_is_named_and_nothing_is_kept(street: AlertHarness) -> None:
    signals = [street.signal(home_id=home) for home in ("flat-1", "nowhere", "flat-2")]
    with pytest.raises(HomeNotFound, match="nowhere"), street.work() as work:
        street.alerts.intake.raise_alerts(work, signals)
    assert street.messages() == []
