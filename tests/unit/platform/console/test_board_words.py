"""The history on the board is in words of the reader, also where a message did not arrive."""

from __future__ import annotations

import pytest
from fixtures.tenants import District
from sqlalchemy import select

from anju_core.vocabulary import AlertStep
from anju_platform.alerts import history
from anju_platform.alerts.models import Alert, AlertEvent


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


@pytest.mark.parametrize(
    ("channel", "error", "told", "in_english"),
    [
        ("apprise", "wecom: ConnectTimeout", "对方服务没有回应", "their service did not answer"),
        ("apprise", "sms: TimeoutError", "对方服务没有回应", "their service did not answer"),
        ("apprise", "wecom: ConnectionRefusedError", "连不上对方服务", "their service could not be reached"),
        ("apprise", "wecom: the service did not take it", "对方服务没有收下", "their service did not take it"),
        ("apprise", "mail: KeyError", "对方服务没有收下", "their service did not take it"),
        ("apprise", "no Apprise URL is configured for 'x'", "没有设置这个人的发送方式", "no way to reach them is set"),
        (
            "home",
            "broker: [Errno 111] Connection refused",
            "发不到家里的网关",
            "the home&#39;s gateway was not reached",
        ),
        ("home", "the gateway did not say it", "家里没有播报", "it was not played in the home"),
    ],
)
def test_every_channels_failure_is_said_in_words_and_kept_as_it_was(
    district: District, channel: str, error: str, told: str, in_english: str
) -> None:
    page = fail_delivery(district, channel, error)
    assert (told if channel == "home" else f"小李 · {told}") in page
    assert error not in page
    path = f"/board/{district.own.alert}"
    assert in_english in district.ask("worker", "GET", path, headers={"Cookie": "anju_lang=en"}).text
    with district.platform.work() as work:
        steps = work.session.scalars(select(AlertEvent).where(AlertEvent.step == AlertStep.DELIVERY_FAILED.value)).all()
        assert error in [step.detail["error"] for step in steps]
