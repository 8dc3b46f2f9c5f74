"""What leaves on each channel, to the last field."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog

from anju_core.vocabulary import Channel
from anju_platform.i18n.translation import load_words
from anju_platform.notifications.channels import (
    AppriseChannel,
    BoardChannel,
    DeliveryFailed,
    HomeChannel,
    OutboundMessage,
)
from anju_wire.messages import Command, decode
from anju_wire.vocabulary import Announcement

ALERT = UUID(int=7)
AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def message(channel: Channel, address: str, *, alert_id: UUID | None = ALERT, **payload: object) -> OutboundMessage:
    return OutboundMessage(
        id=UUID(int=9),
        channel=channel,
        address=address,
        subject="求助",
        body="卧室",
        payload=payload,
        alert_id=alert_id,
        tries=1,
        created_at=AT,
    )


class Wire:
    """Stands in for the pages and for the broker."""

    def __init__(self, pages: int = 0, error: Exception | None = None) -> None:
        self.pages, self.error = pages, error
        self.sent: list[tuple[Any, ...]] = []

    def publish(self, *sent: Any) -> int:  # noqa: ANN401
        self.sent.append(sent)
        if self.error is not None:
            raise self.error
        return self.pages


def test_a_page_gets_the_words_the_message_and_the_facts() -> None:
    hub = Wire(pages=1)
    BoardChannel(hub).send(message(Channel.BOARD, "a-1", level=2, kind="sos"))
    ((topic, event, data),) = hub.sent
    assert (topic, event) == ("account:a-1", "told")
    assert json.loads(data) == {
        "subject": "求助",
        "body": "卧室",
        "message": str(UUID(int=9)),
        "level": 2,
        "kind": "sos",
    }
    assert "求助" in data
    with pytest.raises(DeliveryFailed, match="no page is open"):
        BoardChannel(Wire(pages=0)).send(message(Channel.BOARD, "a-1"))


HOME = {"community": "anning", "expires": AT.timestamp() + 600}


@pytest.mark.parametrize(
    ("announce", "key", "facts", "zh", "en"),
    [
        ("seen", "sos_seen", {}, "收到了，正在通知值班人员", "We have it and are telling the person on duty"),
        (
            "coming",
            "coming_soon",
            {"name": "王姐"},
            "王姐看到了，马上联系您",
            "王姐 has seen it and will contact you now",
        ),
        (
            "coming",
            "on_the_way_minutes",
            {"name": "李护士", "minutes": 15},
            "李护士已出发，大约 15 分钟到",
            "李护士 is on the way, about 15 minutes",
        ),
        (
            "visit_code",
            "visit_code",
            {"name": "李护士", "code": "4711"},
            "李护士到门口时，请告诉她验证码 4 7 1 1",
            "When 李护士 is at the door, please tell her the code 4 7 1 1",
        ),
    ],
)
def test_a_home_gets_a_command_with_the_sentence_as_key_and_in_both_languages(
    announce: str, key: str, facts: dict[str, str | int], zh: str, en: str
) -> None:
    line = Wire()
    HomeChannel(line, load_words()).send(
        message(Channel.HOME, "home-01", announce=announce, key=key, facts=facts, **HOME)
    )
    ((topic, payload),) = line.sent
    command = decode(Command, payload)
    assert topic == "anju/v1/anning/home-01/command"
    assert command == Command(
        id=str(UUID(int=9)),
        announce=Announcement(announce),
        zh=zh,
        en=en,
        at=AT.timestamp(),
        expires=AT.timestamp() + 600,
        alert=str(ALERT),
        key=key,
        facts=facts,
    )


def test_a_message_written_by_version_0_1_is_sent_with_its_own_words() -> None:
    line = Wire()
    HomeChannel(line).send(
        message(Channel.HOME, "home-01", alert_id=None, announce="closed", zh="好了", en="all is well", **HOME)
    )
    command = decode(Command, line.sent[0][1])
    assert (command.zh, command.en, command.key, command.facts, command.alert) == ("好了", "all is well", "", {}, None)


def test_a_broker_that_is_not_reached_is_said() -> None:
    channel = HomeChannel(Wire(error=ConnectionError("not connected")))
    with pytest.raises(DeliveryFailed) as failed:
        channel.send(message(Channel.HOME, "home-01", announce="closed", key="closed", **HOME))
    assert failed.value.why == "broker: not connected"


def test_a_service_gets_the_words_under_the_url_of_the_address() -> None:
    sent: list[tuple[str, str, str]] = []

    def notify(*words: str) -> bool:
        sent.append(words)  # type: ignore[arg-type]
        return True

    AppriseChannel({"wang": "json://secret@host"}, notify).send(message(Channel.APPRISE, "wang"))
    assert sent == [("json://secret@host", "求助", "卧室")]


def test_what_sends_is_loaded_before_the_first_message(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def find(url: str) -> Callable[[str, str, str], bool]:
        loaded.append(url)
        return lambda *_: True

    monkeypatch.setattr("anju_platform.notifications.channels.find_sender", find)
    AppriseChannel({"worker": "json://127.0.0.1:9/a", "anning": "wecombot://key"}).load_senders()
    assert loaded == ["json://127.0.0.1:9/a", "wecombot://key"]


def test_an_address_of_no_known_kind_is_named_at_the_start_and_its_url_is_not() -> None:
    with structlog.testing.capture_logs() as said:
        AppriseChannel({"worker": "nonsense://secret"}).load_senders()
    assert [(one["name"], "secret" in str(one)) for one in said] == [("worker", False)]
