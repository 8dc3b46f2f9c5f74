"""The cause of an alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from anju_core.alert_signals import AlertSignal, InvalidSignal
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("home_id", ""),
        ("community_id", ""),
        ("episode", ""),
        ("happened_at", NOW.replace(tzinfo=None)),
        ("due_since", NOW.replace(tzinfo=None)),
        ("score", 1.2),
        ("score", float("nan")),
    ],
)
def test_a_signal_that_cannot_be_raised_says_why(field: str, value: object) -> None:
    good = AlertSignal(
        kind=AlertKind.SOS,
        home_id="home-01",
        community_id="anning",
        episode="1",
        happened_at=NOW,
        due_since=NOW,
        reason=Reason(ReasonCode.SOS_PRESSED),
    )
    for score in (None, 0.0, 0.5, 1.0):
        assert replace(good, score=score).score == score
    with pytest.raises(InvalidSignal) as refused:
        replace(good, **{field: value})  # type: ignore[arg-type]
    assert refused.value.what == field
