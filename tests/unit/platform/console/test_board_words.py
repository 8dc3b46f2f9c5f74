"""The history on the board is in words of the reader, also where a message did not arrive."""

from __future__ import annotations

from fixtures.tenants import District

from anju_core.vocabulary import AlertStep
from anju_platform.alerts import history
from anju_platform.alerts.models import Alert


def fail_delivery(district: District, channel: str, error: str) -> str:
    """Write down that a message did not arrive; return the alert's page."""
    with district.platform.work() as work:
        alert = work.session.get_one(Alert, district.own.alert)
        detail = {"channel": channel, "to": "小李", "error": error}
        history.append(work, alert, AlertStep.DELIVERY_FAILED, district.platform.clock.now(), detail=detail)
    return district.ask("worker", "GET", f"/board/{district.own.alert}").text


def test_a_board_that_was_not_open_is_said_in_words(district: District) -> None:
    page = fail_delivery(district, "board", "no page is open")
    assert "小李 · 没有打开值守台" in page
    assert "no page is open" not in page


def test_other_channels_say_themselves_why_they_failed(district: District) -> None:
    assert "小李 · wecom: ConnectTimeout" in fail_delivery(district, "apprise", "wecom: ConnectTimeout")
