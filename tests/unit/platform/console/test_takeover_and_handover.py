"""Nothing is taken from somebody before it was asked; a handover is read by others than who wrote it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fixtures.tenants import District

from anju_platform.alerts.models import Alert
from anju_platform.oncall.models import Handover


def holder(district: District) -> str:
    with district.platform.work() as work:
        return work.session.get_one(Alert, district.own.alert).acknowledged_by_name


def test_a_supervisor_is_asked_before_she_takes_it_from_somebody(district: District) -> None:
    way = f"/board/{district.own.alert}"
    with district.platform.work() as work:
        work.session.get_one(Alert, district.own.alert).acknowledged_at = work.clock.now() - timedelta(minutes=12)
    refused = district.ask("supervisor", "POST", f"{way}/acknowledge")
    assert refused.status_code == 200
    assert "worker 王 已经接手了。" in refused.text
    assert holder(district) == "worker 王"
    page = district.ask("supervisor", "GET", way).text
    assert "worker 王 接手：" in page
    assert "12 分钟前" in page
    assert f'name="over" value="{district.own.worker}"' in page
    district.ask("supervisor", "POST", f"{way}/acknowledge", data={"over": str(UUID(int=7))})
    assert holder(district) == "worker 王", "somebody else has it than she was told"
    district.ask("supervisor", "POST", f"{way}/acknowledge", data={"over": str(district.own.worker)})
    assert holder(district) == "supervisor 王"
    assert 'name="over"' not in district.ask("supervisor", "GET", way).text
    assert 'name="over"' not in district.ask("worker", "GET", way).text, "a worker takes nothing from a supervisor"


def test_what_is_late_is_taken_at_once(district: District) -> None:
    with district.platform.work() as work:
        work.session.get_one(Alert, district.own.alert).late = True
    page = district.ask("supervisor", "GET", f"/board/{district.own.alert}").text
    assert 'name="over"' not in page
    assert district.ask("supervisor", "POST", f"/board/{district.own.alert}/acknowledge").status_code == 303
    assert holder(district) == "supervisor 王"


def test_acknowledging_a_group_takes_nothing_from_anybody(district: District) -> None:
    district.ask("supervisor", "POST", "/board/groups/acknowledge", data={"alert_ids": [str(district.own.alert)]})
    assert holder(district) == "worker 王"


def leave(district: District, login: str, text: str) -> UUID:
    assert district.ask(login, "POST", "/shift", data={"note": text}).status_code == 303
    with district.platform.work() as work:
        return max((row for row in work.session.query(Handover) if row.note == text), key=lambda row: row.at).id


def test_a_handover_is_not_read_by_who_wrote_it(district: District) -> None:
    note = leave(district, "worker", "二号楼的猫会跑出来")
    own = district.ask("worker", "GET", "/shift").text
    assert "还没有人读" in own
    assert f"/shift/{note}/read" not in own
    refused = district.ask("worker", "POST", f"/shift/{note}/read")
    assert refused.status_code == 403
    assert "要由下一班来读" in refused.text
    assert district.ask("worker", "POST", f"/api/v1/handovers/{note}/read").status_code == 403
    assert district.ask("supervisor", "POST", f"/shift/{note}/read").status_code == 303
    assert "supervisor 王 读过" in district.ask("worker", "GET", "/shift").text


def test_unread_handovers_stand_on_the_board_of_those_who_are_to_read_them(district: District) -> None:
    note = leave(district, "worker", "二号楼的猫会跑出来")
    assert "二号楼的猫" not in district.ask("worker", "GET", "/board").text
    assert "二号楼的猫" not in district.ask("worker-2", "GET", "/board").text
    page = district.ask("supervisor", "GET", "/board").text
    assert "未读的交接留言：1 条" in page
    assert "二号楼的猫会跑出来" in page
    read = district.ask("supervisor", "POST", f"/shift/{note}/read", headers={"HX-Request": "true"})
    assert (read.status_code, read.headers["location"]) == (303, "/board/list")
    assert "二号楼的猫" not in district.ask("supervisor", "GET", "/board/list").text
