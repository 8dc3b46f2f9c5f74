"""What stood in a database before its words were renamed is found under the new ones, and goes back again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from fixtures.earlier_release import insert_row, reflected_table
from sqlalchemy import Connection, select

from anju_platform.app import migrate
from anju_platform.db.engine import make_engine

AT = datetime(2026, 3, 1, tzinfo=UTC)
ALERT, OTHER, VISIT = UUID(int=1), UUID(int=2), UUID(int=3)
WORKER = UUID(int=9)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'renamed.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres_url"))


def _fill(connection: Connection) -> None:
    insert_row(connection, "community", id="c")
    insert_row(connection, "home", id="h", community_id="c")
    alert: dict[str, object] = {"taken_by": WORKER, "taken_by_name": "王姐", "taken_at": AT}
    insert_row(
        connection,
        "alert",
        id=ALERT,
        kind="home_offline",
        episode="1",
        home_id="h",
        community_id="c",
        ladder_at=AT,
        **alert,
    )
    insert_row(
        connection,
        "alert",
        id=OTHER,
        kind="sos",
        episode="2",
        state="on_the_way",
        home_id="h",
        community_id="c",
        ladder_at=AT,
    )
    events: list[tuple[str, dict[str, object]]] = [
        ("raised", {}),
        ("taken", {}),
        ("contacted", {"who": "elder"}),
        ("released", {}),
        ("on_the_way", {}),
    ]
    events += [("escalated", {"why": "released", "level": 2}), ("noted", {"why": "released"})]
    for number, (step, detail) in enumerate(events):
        one = UUID(int=100 + number)
        insert_row(connection, "alert_event", id=one, alert_id=ALERT, number=number, step=step, detail=detail)
    visit: dict[str, object] = {"home_id": "h", "community_id": "c", "check_in_proof": {"by": "vouched", "code": None}}
    insert_row(connection, "visit_task", id=VISIT, **visit)
    events = [("checked_in", {"by": "vouched"}), ("overstayed", {})]
    for number, (step, detail) in enumerate(events):
        one = UUID(int=200 + number)
        insert_row(connection, "visit_event", id=one, visit_id=VISIT, number=number, step=step, detail=detail)


def _stored(connection: Connection, acknowledged: str, escalation: str) -> Mapping[str, object]:
    alert = reflected_table(connection, "alert")
    columns = (
        alert.c.kind,
        alert.c.state,
        alert.c[f"{acknowledged}_by"],
        alert.c[f"{acknowledged}_by_name"],
        alert.c[escalation],
    )
    alerts = connection.execute(select(*columns).order_by(alert.c.episode)).all()
    known = [(kind, state, by and UUID(str(by)), name) for kind, state, by, name, _ in alerts]
    found: dict[str, object] = {"alerts": known}
    for name in ("alert_event", "visit_event"):
        event = reflected_table(connection, name)
        rows = connection.execute(select(event.c.step, event.c.detail).order_by(event.c.number)).all()
        found[name] = [(step, detail.get("why") or detail.get("by")) for step, detail in rows]
    visit = reflected_table(connection, "visit_task")
    return {**found, "proof": connection.scalar(select(visit.c.check_in_proof))}


def test_acknowledged_alerts_both_ways(url: str) -> None:
    migrate.upgrade(url, "0004")
    engine = make_engine(url)
    with engine.begin() as connection:
        _fill(connection)
        before = _stored(connection, "taken", "ladder_at")
    migrate.upgrade(url, "0005")
    with engine.connect() as connection:
        assert _stored(connection, "acknowledged", "escalation_started_at") == {
            "alerts": [("home_offline", "x", WORKER, "王姐"), ("sos", "en_route", None, "x")],
            "alert_event": [
                ("raised", None),
                ("acknowledged", None),
                ("contact_attempted", None),
                ("unacknowledged", None),
                ("en_route", None),
                ("escalated", "unacknowledged"),
                ("noted", "released"),
            ],
            "visit_event": [("checked_in", "attested"), ("overdue", None)],
            "proof": {"by": "attested", "code": None},
        }
    migrate.downgrade(url, "0004")
    with engine.connect() as connection:
        assert _stored(connection, "taken", "ladder_at") == before
    engine.dispose()
