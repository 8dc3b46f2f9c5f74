"""Closed alerts are found on both databases: by who and where, what it was, how it ended, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fixtures.alert_harness import AlertHarness

from anju_core.actor import Actor
from anju_core.vocabulary import AlertKind, Outcome
from anju_platform.alerts.closed.queries import ClosedAlertSearch


def find(harness: AlertHarness, actor: Actor, limit: int = 10, offset: int = 0, **asked: Any) -> list[str]:  # noqa: ANN401
    """Return the kinds of the closed alerts that are found, those closed last first."""
    with harness.work() as work:
        found, _ = harness.alerts.closed.list_closed(
            work, actor, ClosedAlertSearch(**asked), limit=limit, offset=offset
        )
    return [one.kind.value for one in found]


def test_what_is_asked_for_is_found_on_both_databases(harness: AlertHarness) -> None:
    for kind, outcome in ((AlertKind.SOS, Outcome.FALSE_ALARM), (AlertKind.FALL, Outcome.TEST)):
        alert_id = harness.raise_alert(kind)
        harness.do("acknowledge_alert", alert_id, harness.wang)
        harness.dismiss(alert_id, harness.wang, outcome)
        harness.clock.forward(3600)
    harness.raise_alert(AlertKind.SMOKE)
    now, wang = harness.clock.now(), harness.wang
    assert find(harness, wang) == ["fall", "sos"]
    assert find(harness, wang, kind=AlertKind.SOS) == find(harness, wang, outcome=Outcome.FALSE_ALARM) == ["sos"]
    assert find(harness, wang, closed_from=now - timedelta(minutes=90)) == ["fall"]
    assert find(harness, wang, closed_before=now - timedelta(minutes=90)) == ["sos"]
    assert find(harness, wang, community_id="anning", home_id="home-01") == ["fall", "sos"]
    assert find(harness, wang, home_id="home-02") == find(harness, wang, community_id="elsewhere") == []
    assert find(harness, wang, 1, 1) == ["sos"]
    assert find(harness, wang, text="home-01") == ["fall", "sos"]
    assert find(harness, wang, text="nobody of this name") == []
    assert find(harness, harness.stranger) == []
