"""Sentences of an earlier release stay readable: as they were written, up and down again."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.earlier_release import AT, insert_row
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from anju_core.reasons import ReasonCode
from anju_platform.app import migrate
from anju_platform.db.engine import make_engine
from anju_platform.monitoring.models import HomeSupervision

BEFORE, AFTER = "0005", "0006"
ZH, EN = '网关"没有"声音', "gateway 'silent'"


@pytest.fixture(params=["sqlite", "postgresql"])
def url_before(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the release before."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'before.sqlite3'}"
    else:
        url = str(request.getfixturevalue("empty_postgres_url"))
    migrate.upgrade(url, BEFORE)
    return url


def _insert_homes(link: Connection) -> None:
    insert_row(link, "community", id="c")
    for home, since, zh, en in (("home-01", AT, ZH, EN), ("home-02", None, "", "")):
        insert_row(link, "home", id=home, community_id="c")
        insert_row(link, "home_supervision", home_id=home, offline_since=since, reason_zh=zh, reason_en=en)


def test_written_sentences_stay_up_and_down(url_before: str) -> None:
    engine = make_engine(url_before)
    with engine.begin() as link:
        _insert_homes(link)
    migrate.upgrade(url_before, AFTER)
    with Session(engine) as session:
        written, online = (session.get_one(HomeSupervision, home) for home in ("home-01", "home-02"))
        assert (written.reason_code, written.reason_facts) == (ReasonCode.WRITTEN, {"zh": ZH, "en": EN})
        assert (online.reason_code, online.reason_facts) == ("", {})
        online.reason_code, online.reason_facts = ReasonCode.GATEWAY_OFFLINE, {}
        session.commit()
    migrate.downgrade(url_before, BEFORE)
    with engine.connect() as link:
        rows = link.execute(text("SELECT reason_zh, reason_en FROM home_supervision ORDER BY home_id")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [(ZH, EN), ("gateway_offline", "gateway_offline")]
