"""The history on the board prints what the home spoke, what came late, who told an absence and who took over."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fixtures.alert_harness import AlertHarness
from fixtures.tenants import District
from sqlalchemy import select

from anju_core.actor import Actor
from anju_core.alert_signals import AlertSignal
from anju_core.announcements import ElderMessage, visit_code, waiting
from anju_core.events import ElderTold
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, AlertStep, Channel, Outcome, Role
from anju_platform.accounts.models import Account
from anju_platform.alerts import history as record
from anju_platform.alerts.models import Alert
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.service import OutboxService

TAGS = re.compile(r"<[^>]+>")


def history(district: District, alert_id: UUID, *, locale: str = "zh") -> str:
    """Return the history of an alert as it reads on the page."""
    page = district.ask("worker", "GET", f"/board/{alert_id}", headers={"Cookie": f"anju_lang={locale}"}).text
    part = page[page.rindex('<ol class="history">') :]
    return re.sub(r"\s+", " ", TAGS.sub(" ", part[: part.index("</section>")]))


def press(district: District, home: str, *, at: datetime | None = None, number: int = 1, **given: Any) -> UUID:  # noqa: ANN401
    """Press the button in a home; return the alert."""
    happened_at = at or district.platform.clock.now()
    signal = AlertSignal(
        kind=given.pop("kind", AlertKind.SOS),
        home_id=home,
        community_id="anning" if home == "home-01" else "huaian",
        episode=f"press-{number}",
        happened_at=happened_at,
        due_since=happened_at,
        reason=Reason(ReasonCode.SOS_PRESSED, {"room": "bedroom", "registered": True}),
        source=f"gw-{home}/1/alarm/{number}/0",
        **given,
    )
    with district.platform.work() as work:
        return district.platform.alerts.intake.raise_alert(work, signal)


def hear(district: District, said: str, reference: str, **given: Any) -> None:  # noqa: ANN401
    """Let the home's gateway send that it played something."""
    event = ElderTold(
        at=given.pop("at", district.platform.clock.now()),
        home_id=given.pop("home_id", district.own.home),
        said=said,
        reference=reference,
        **given,
    )
    with district.platform.work() as work:
        work.record(event)


def play(district: District, alert_id: UUID) -> list[str]:
    """Let the home play every message that the platform wrote about an alert; return the keys of the sentences."""
    with district.platform.work() as work:
        query = select(Outbox).where(Outbox.alert_id == alert_id, Outbox.channel == Channel.HOME.value)
        rows = [(row.id, row.subject, row.body) for row in work.session.scalars(query.order_by(Outbox.created_at))]
    for message, said, _key in rows:
        hear(district, said, str(alert_id), message=str(message))
    return [key for _, _, key in rows]


def say(district: District, message: ElderMessage) -> str:
    """Ask the home of the alert to say something; return the message's id."""
    about = {"alert_id": district.own.alert, "expires_s": 60.0}
    with district.platform.work() as work:
        row = OutboxService(()).notify_home(work, district.own.home, message, **about)  # type: ignore[arg-type]
        assert row is not None
        return str(row.id)


def waiting_for(name: str) -> ElderMessage:
    message = waiting(AlertKind.SOS, [name])
    assert message is not None
    return message


def actor_of(district: District, login: str) -> Actor:
    with district.platform.work() as work:
        account = work.session.scalars(select(Account).where(Account.login == login)).one()
        return Actor(account.id, account.name, Role(account.role), community_id=account.community_id)


def test_every_sentence_that_was_heard_is_printed_word_for_word(district: District) -> None:
    alert_id = district.own.alert
    assert play(district, alert_id) == ["sos_seen", "coming_soon", "visitor_sought"]
    read = history(district, alert_id)
    assert "“收到了，正在通知值班人员”" in read
    assert "“worker 王看到了，马上联系您”" in read
    assert "“worker 王正在请人上门”" in read
    english = history(district, alert_id, locale="en")
    assert "“We have it and are telling the person on duty”" in english
    assert "“worker 王 has seen it and will contact you now”" in english


def test_a_sentence_that_is_said_each_minute_stands_there_with_every_time(district: District) -> None:
    alert_id = district.own.alert
    play(district, alert_id)
    before = history(district, alert_id).count("“")
    for minute in range(1, 15):
        message = say(district, waiting_for("王姐"))
        at = district.platform.clock.now() + timedelta(minutes=minute)
        hear(district, "seen", str(alert_id), message=message, at=at)
        hear(district, "seen", str(alert_id), message=message, at=at)
    read = history(district, alert_id)
    assert read.count("“") == before + 1
    assert "“还没有人接手，正在找王姐。请您别急，等不及就拨 120”" in read
    again = read[read.index("又播报 13 次") :]
    assert len(re.findall(r"\d\d:\d\d:\d\d", again)) == 13


def test_what_the_gateway_said_by_itself_is_printed_of_the_alarm_that_it_was_about(district: District) -> None:
    first = press(district, "home-99", number=7, kind=AlertKind.FALL)
    second = press(district, "home-99", number=8)
    hear(district, "heard", "7", alarm="gw-home-99/1/alarm/7", home_id="home-99")
    hear(district, "not_reached", "8", alarm="gw-home-99/1/alarm/8", home_id="home-99")

    def read(alert_id: UUID) -> str:
        page = district.ask("admin", "GET", f"/board/{alert_id}").text
        return page[page.index("经过") :]

    assert "“您是不是摔倒了？正在联系。没事请按住按钮”" in read(first)
    assert "“暂时联系不上，请拨 120”" not in read(first)
    assert "“暂时联系不上，请拨 120”" in read(second)


def test_a_code_that_proves_an_arrival_is_not_for_reading(district: District) -> None:
    alert_id = district.own.alert
    say(district, visit_code("李娜", "482913"))
    play(district, alert_id)
    read = history(district, alert_id)
    assert "李娜到门口时，请告诉她验证码" in read
    assert not re.search(r"4\s*8\s*2\s*9\s*1\s*3", read)


def test_a_sentence_that_was_not_heard_is_named_as_such(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.homes.up = False
    harness.tick(700, every=20)
    failed = [one for one in harness.history(alert_id, AlertStep.DELIVERY_FAILED) if one["channel"] == "home"]
    assert {"key": "coming_soon", "facts": {"name": "王姐"}}.items() <= failed[-1].items()


def test_on_the_page_it_reads_as_not_heard(district: District) -> None:
    with district.platform.work() as work:
        alert = work.session.get_one(Alert, district.own.alert)
        detail = {"channel": "home", "to": "home-01", "error": "the gateway did not say it"}
        detail |= {"key": "coming_soon", "facts": {"name": "王姐"}}  # type: ignore[dict-item]
        record.append(work, alert, AlertStep.DELIVERY_FAILED, district.platform.clock.now(), detail=detail)
    assert "家里没有播报 “王姐看到了，马上联系您”" in history(district, district.own.alert)


def test_a_second_press_and_a_late_one_say_so(district: District) -> None:
    alert_id = press(district, district.own.home, number=2)
    assert alert_id == district.own.alert
    assert "又按了一次求助" in history(district, alert_id)
    assert "迟到" not in history(district, alert_id)
    press(district, district.own.home, number=3, at=district.platform.clock.now() - timedelta(minutes=24, seconds=5))
    read = history(district, alert_id)
    assert "迟到 24 分钟" in read
    assert "网络中断" not in read, "nothing on record says so"
    hear(district, "not_reached", "3", alarm=f"gw-{district.own.home}/1/alarm/3")
    assert "迟到 24 分钟：网络中断" in history(district, alert_id)
    assert "24 min late: the network was cut" in history(district, alert_id, locale="en")


def test_an_absence_that_the_family_tells_stands_in_the_history(district: District) -> None:
    until = district.platform.clock.now() + timedelta(days=2)
    path = f"/api/v1/homes/{district.own.home}/absences"
    told = district.ask("family", "POST", path, json={"until": until.isoformat()})
    assert told.status_code == 201, told.text
    read = history(district, district.own.alert)
    assert "登记外出 family 王：到" in read
    district.ask("family", "POST", f"/api/v1/absences/{told.json()['id']}/end")
    assert "外出登记提前结束" in history(district, district.own.alert)


def test_who_took_over_from_whom_is_said(district: District) -> None:
    alerts, alert_id = district.platform.alerts.service, district.own.alert
    with district.platform.work() as work:
        alerts.acknowledge_alert(work, alert_id, actor_of(district, "supervisor"))
    assert "接手 · supervisor 王 从worker 王手里接过来" in history(district, alert_id)


@pytest.mark.parametrize("step", [AlertStep.NOTED, AlertStep.VISIT_FAILED, AlertStep.DISPATCHED])
def test_a_carer_who_was_assigned_by_name_is_said_whatever_the_step(district: District, step: AlertStep) -> None:
    with district.platform.work() as work:
        alert = work.session.get_one(Alert, district.own.alert)
        detail = {"to_carer": "李娜", "from_carer": "周敏"}
        record.append(work, alert, step, district.platform.clock.now(), detail=detail)
    assert "改派护理员" in history(district, district.own.alert)


def test_a_withdrawn_alert_says_by_what_and_shows_no_code_word(district: District) -> None:
    alert_id = press(district, "home-99", number=5, kind=AlertKind.FALL)
    with district.platform.work() as work:
        district.platform.alerts.intake.withdraw_alerts(
            work, "home-99", AlertKind.FALL, None, outcome=Outcome.WITHDRAWN, why="recovered"
        )
    page = district.ask("admin", "GET", f"/board/{alert_id}").text
    assert "老人自己起来了，活动如常" in page
    assert "recovered" not in page
