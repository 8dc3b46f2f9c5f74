"""The elder is told at once, truthfully, once; and what she was told is on record."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from anju_gateway.announcement_service import AnnouncementService
from anju_gateway.announcements import LIGHTS
from anju_gateway.annunciator import (
    CompositeAnnunciator,
    ConsoleAnnunciator,
    MqttAnnunciator,
    Playback,
    PlayState,
    SpokenAnnouncement,
)
from anju_gateway.device_ingest import Alarm
from anju_gateway.readings import DeviceReading
from anju_gateway.spool import Spool
from anju_gateway.uplink import UplinkLine, records_of
from anju_wire.messages import Command
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import Announcement, Lane

NOW = 1_750_000_000.0


class FakeAnnunciator:
    """`state`: of all that is played, now and before."""

    def __init__(self) -> None:
        self.state = PlayState.PLAYED
        self.played: list[SpokenAnnouncement] = []

    def play(self, announcement: SpokenAnnouncement, at_s: float) -> Playback:
        if self.state is not PlayState.FAILED:
            self.played.append(announcement)
        return lambda: self.state

    def words(self) -> list[str]:
        return [announcement.record_value for announcement in self.played]


class Home:
    def __init__(self, path: Path) -> None:
        self.path, self.speaker = path, FakeAnnunciator()
        self.begin()

    def begin(self) -> None:
        self.spool = Spool(self.path, NOW)
        self.service = AnnouncementService("gw-1", self.spool, self.speaker)

    def restart(self, now_s: float) -> None:
        self.spool.close()
        self.begin()
        self.service.resume_announcements(now_s, 0.0)

    def store(self, quantity: Quantity, value: bool | str) -> Alarm:  # noqa: FBT001
        records = [DeviceReading("device", quantity, NOW, value).to_record()]
        with self.spool.transaction():
            (seq,) = self.spool.append(Lane.ALARM, [records])
        return Alarm(seq, records)

    def raise_alarm(self, quantity: Quantity, value: bool | str = True, line: UplinkLine = UplinkLine.MAIN) -> int:  # noqa: FBT001, FBT002
        alarm = self.store(quantity, value)
        self.service.announce_alarms([alarm], line, NOW, 0.0)
        return alarm.seq

    def recorded(self) -> list[str]:
        records = [record for stored in self.spool.read_pending(Lane.ALARM, 1, 99) for record in records_of(stored)]
        return [record.vs for record in records if record.n == "gw-1/announced" and record.vs is not None]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "spool.sqlite")
    yield made
    made.spool.close()


def command(number: str = "c-1", *, expires: float = NOW + 60, announce: Announcement = Announcement.COMING) -> Command:
    return Command(id=number, announce=announce, zh="王姐看到了", en="seen", at=NOW, expires=expires, alert="a-1")


@pytest.mark.parametrize(
    ("line", "announce", "zh"),
    [
        (UplinkLine.MAIN, "heard", "收到，正在联系"),
        (UplinkLine.BACKUP, "backup_line", "收到，正在用备用线路联系"),
        (UplinkLine.NONE, "not_reached", "暂时联系不上，请拨 120"),
    ],
)
def test_a_press_is_answered_truthfully(home: Home, line: UplinkLine, announce: str, zh: str) -> None:
    seq = home.raise_alarm(Quantity.SOS, line=line)
    assert home.speaker.words() == [f"{announce}:{seq}"]
    assert home.speaker.played[0].zh == zh
    assert home.recorded() == [f"{announce}:{seq}"]


@pytest.mark.parametrize(
    ("quantity", "value", "announce"),
    [
        (Quantity.FALL, "suspected:1", "heard"),
        (Quantity.FALL, "confirmed:1", None),
        (Quantity.FALL, "withdrawn:1", None),
        (Quantity.FALL, "cancelled:1", "cancelled"),
        (Quantity.SOS_CANCEL, True, "cancelled"),
        (Quantity.SMOKE, True, "heard"),
        (Quantity.SMOKE, False, None),
        (Quantity.WATER_LEAK, True, "heard"),
        (Quantity.ANNOUNCED, "heard:1", None),
    ],
)
def test_what_is_said_of_each_alarm(
    home: Home,
    quantity: Quantity,
    value: bool | str,  # noqa: FBT001
    announce: str | None,
) -> None:
    seq = home.raise_alarm(quantity, value)
    assert home.speaker.words() == ([f"{announce}:{seq}"] if announce else [])


def test_an_alarm_that_does_not_get_through_is_said_once(home: Home) -> None:
    seq = home.raise_alarm(Quantity.SOS)
    home.service.announce_due(NOW, 4.9)
    assert len(home.speaker.played) == 1
    home.service.announce_due(NOW, 5.0)
    home.service.announce_due(NOW, 60.0)
    assert home.speaker.words() == [f"heard:{seq}", f"not_reached:{seq}"]


def test_an_alarm_that_got_through_in_time_is_not_bemoaned(home: Home) -> None:
    first, second = home.raise_alarm(Quantity.SOS), home.raise_alarm(Quantity.SMOKE)
    home.service.acknowledge_upto(first)
    home.service.announce_due(NOW, 6.0)
    assert f"not_reached:{first}" not in home.speaker.words()
    assert home.speaker.words()[-1] == f"not_reached:{second}"


def test_after_a_cancel_no_bad_news_follows(home: Home) -> None:
    home.raise_alarm(Quantity.SOS)
    home.raise_alarm(Quantity.SOS_CANCEL)
    home.service.announce_due(NOW, 60.0)
    assert [one.announce for one in home.speaker.played] == ["heard", "cancelled"]


def test_a_command_is_said_once(home: Home) -> None:
    for _ in range(2):
        home.service.execute_command(command(), NOW)
    home.restart(NOW + 1)
    home.service.execute_command(command(), NOW + 2)
    assert home.speaker.words() == ["coming:a-1"]
    assert home.recorded() == ["coming:a-1:c-1"], "the message that asked for it is named"


def test_a_command_that_has_expired_is_not_said(home: Home) -> None:
    home.service.execute_command(command(expires=NOW - 0.1), NOW)
    assert home.speaker.played == []
    assert home.recorded() == []


@pytest.mark.parametrize("restarted", [False, True])
def test_what_cannot_be_said_now_is_said_when_it_can(home: Home, restarted: bool) -> None:  # noqa: FBT001
    home.speaker.state = PlayState.FAILED
    home.service.execute_command(command(), NOW)
    home.service.execute_command(command(), NOW)
    assert home.recorded() == [], "not on record before it was said"
    if restarted:
        home.restart(NOW + 1)
    home.speaker.state = PlayState.PLAYED
    home.service.announce_due(NOW + 2, 2.0)
    home.service.announce_due(NOW + 3, 3.0)
    assert home.speaker.words() == ["coming:a-1"]
    assert home.recorded() == ["coming:a-1:c-1"]
    home.restart(NOW + 4)
    home.service.announce_due(NOW + 5, 5.0)
    assert len(home.speaker.played) == 1


def test_what_the_bus_may_not_have_is_not_on_record_and_a_killed_process_says_it_again(home: Home) -> None:
    home.speaker.state = PlayState.PLAYING
    seq = home.raise_alarm(Quantity.SOS)
    home.service.execute_command(command(), NOW)
    home.service.execute_command(command(), NOW)
    home.service.announce_due(NOW + 1, 1.0)
    assert home.speaker.words() == [f"heard:{seq}", "coming:a-1"]
    assert home.recorded() == [], "handed over is not played"
    home.restart(NOW + 2)
    assert home.speaker.words() == [f"heard:{seq}", "coming:a-1", f"heard:{seq}"], "the command waits its turn"
    home.speaker.state = PlayState.PLAYED
    home.service.announce_due(NOW + 3, 3.0)
    assert home.speaker.words() == [f"heard:{seq}", "coming:a-1"] * 2
    assert home.recorded() == [f"heard:{seq}", "coming:a-1:c-1"]
    home.restart(NOW + 4)
    home.service.announce_due(NOW + 5, 1.0)
    assert len(home.speaker.played) == 4, "and never again"


def test_what_a_broken_connection_took_along_is_said_on_the_next(home: Home) -> None:
    home.speaker.state = PlayState.PLAYING
    home.service.execute_command(command(), NOW)
    home.speaker.state = PlayState.FAILED
    home.service.announce_due(NOW + 1, 1.0)
    home.speaker.state = PlayState.PLAYED
    home.service.announce_due(NOW + 2, 2.0)
    assert home.speaker.words() == ["coming:a-1"] * 2
    assert home.recorded() == ["coming:a-1:c-1"]


def test_what_could_not_be_said_in_time_is_let_be(home: Home) -> None:
    home.speaker.state = PlayState.FAILED
    home.service.execute_command(command(expires=NOW + 10), NOW)
    home.raise_alarm(Quantity.SMOKE)
    home.speaker.state = PlayState.PLAYED
    home.service.announce_due(NOW + 61, 1.0)
    assert home.speaker.played == []
    home.restart(NOW + 62)
    assert "coming:a-1" not in home.speaker.words()
    assert not [key for key in home.spool.load_state() if key.startswith("command:")]


def test_a_press_that_a_killed_process_did_not_answer_is_answered(home: Home) -> None:
    alarm = home.store(Quantity.SOS, value=True)
    home.restart(NOW + 3)
    assert home.speaker.words() == [f"heard:{alarm.seq}"]
    home.restart(NOW + 4)
    assert len(home.speaker.played) == 1, "and not again"
    home.service.announce_due(NOW + 10, 6.0)
    assert home.speaker.words()[-1] == f"not_reached:{alarm.seq}", "though it may still be on its way"


def test_a_press_of_yesterday_is_not_answered_today(home: Home) -> None:
    home.store(Quantity.SOS, value=True)
    home.restart(NOW + 86400)
    assert home.speaker.played == []


def test_a_press_that_was_taken_back_before_the_restart_stays_so(home: Home) -> None:
    home.raise_alarm(Quantity.SOS)
    home.raise_alarm(Quantity.SOS_CANCEL)
    home.restart(NOW + 1)
    home.service.announce_due(NOW + 7, 7.0)
    assert [one.announce for one in home.speaker.played] == ["heard", "cancelled"]


def test_a_disk_that_is_full_is_said(home: Home) -> None:
    home.service.announce_failure(NOW)
    assert "120" in home.speaker.played[0].zh


def test_the_console_and_the_bus_say_the_same() -> None:
    out, sent = io.StringIO(), []

    def publish(topic: str, payload: bytes) -> None:
        sent.append((topic, json.loads(payload)))

    announcement = SpokenAnnouncement(Announcement.VISIT_CODE, "到访码 4711", "code 4711", "a-1")
    composite = CompositeAnnunciator([MqttAnnunciator(publish, "home-07"), ConsoleAnnunciator(out, "home-07")])
    assert composite.play(announcement, NOW)() is PlayState.PLAYED
    assert sent == [
        (
            "home-07/annunciator",
            {
                "at": NOW,
                "announce": "visit_code",
                "zh": "到访码 4711",
                "en": "code 4711",
                "light": "steady",
                "reference": "a-1",
                "slow": True,
                "quiet": False,
            },
        )
    ]
    assert "到访码 4711" in out.getvalue()


def test_one_annunciator_is_enough_and_none_is_not() -> None:
    mute, speaking = FakeAnnunciator(), FakeAnnunciator()
    mute.state = PlayState.FAILED
    announcement = SpokenAnnouncement(Announcement.SEEN, "", "", "a")
    both = CompositeAnnunciator([mute, speaking]).play(announcement, NOW)
    assert both() is PlayState.PLAYED
    assert CompositeAnnunciator([mute]).play(announcement, NOW)() is PlayState.FAILED
    speaking.state = PlayState.PLAYING
    assert both() is PlayState.PLAYING


@pytest.mark.parametrize(
    ("key", "facts", "zh", "en"),
    [
        ("coming_soon", {"name": "王姐"}, "王姐看到了，马上联系您", "王姐 has seen it and will contact you now"),
        ("on_the_way_minutes", {"name": "李护士", "minutes": 15}, "李护士已出发，大约 15 分钟到", None),
        ("visit_code", {"name": "李护士", "code": "4711"}, "李护士到门口时，请告诉她验证码 4 7 1 1", None),
        ("", {}, "平台的话", "the platform's words"),
        ("sung", {"name": "王姐"}, "平台的话", "the platform's words"),
        ("coming_soon", {}, "平台的话", "the platform's words"),
        ("on_the_way_minutes", {"name": "李护士", "minutes": "soon"}, "平台的话", "the platform's words"),
    ],
)
def test_a_command_is_put_into_words_here_or_else_says_its_own(
    home: Home, key: str, facts: dict[str, str | int], zh: str, en: str | None
) -> None:
    sent = Command(
        id="c-1",
        announce=Announcement.COMING,
        zh="平台的话",
        en="the platform's words",
        at=NOW,
        expires=NOW + 60,
        key=key,
        facts=facts,
    )
    home.service.execute_command(sent, NOW)
    (played,) = home.speaker.played
    assert played.zh == zh
    assert en is None or played.en == en


def test_every_announcement_has_its_light() -> None:
    assert set(LIGHTS) == set(Announcement)
