"""Robots of group chats answer 200 also where they refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import apprise
import pytest

from anju_platform.notifications import senders
from anju_platform.notifications.senders._robots import is_taken

TOKEN = "0123456789abcdef" * 2
KEY = "11111111-2222-3333-4444-555555555555"


class Robot:
    """A loopback service that answers every POST alike and keeps what came."""

    def __init__(self) -> None:
        self.status, self.answer, self.came = 200, b"{}", list[tuple[str, dict[str, Any]]]()
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                whole = self.rfile.read(int(self.headers["Content-Length"]))
                robot.came.append((self.path, json.loads(whole)))
                self.send_response(robot.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(robot.answer)))
                self.end_headers()
                self.wfile.write(robot.answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


PLUGINS = {
    "dingtalk": (f"dingtalk://{TOKEN}", "/ding?t={token}"),
    "wecombot": (f"wecombot://{KEY}", "/wecom?k={key}"),
    "feishu": (f"feishu://{TOKEN}", "/feishu/{token}"),
    "lark": (f"lark://{KEY}", "/lark/"),
}
PAYLOADS = {
    "dingtalk": {
        "msgtype": "text",
        "text": {"content": "跌倒\n客厅"},
        "at": {"atMobiles": [], "isAtAll": False},
    },
    "wecombot": {"msgtype": "text", "text": {"content": "跌倒\n客厅"}},
    "feishu": {"msg_type": "text", "content": {"text": "跌倒\n客厅"}},
    "lark": {"msg_type": "text", "content": {"text": "跌倒\n客厅"}},
}
"""As each service documents it: it refuses what is called otherwise."""
_CLASSES = {"dingtalk": "NotifyDingTalk", "wecombot": "NotifyWeComBot", "feishu": "NotifyFeishu", "lark": "NotifyLark"}


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Robot]:
    """A robot that stands for all four services."""
    made = Robot()
    for name, (url, path) in PLUGINS.items():
        plugin = type(apprise.Apprise.instantiate(url))
        assert plugin.__name__ == _CLASSES[name]
        monkeypatch.setattr(plugin, "notify_url", made.url + path)
    yield made
    made.stop()


@pytest.mark.parametrize("name", sorted(PLUGINS))
@pytest.mark.parametrize(
    ("status", "answer", "taken"),
    [
        (200, {"errcode": 0, "errmsg": "ok", "code": 0, "StatusCode": 0}, True),
        (200, {"errcode": 310000, "code": 19024, "StatusCode": 1}, False),
        (200, {"errcode": 45009, "code": 0, "StatusCode": 9499}, False),
        (200, {"errcode": False, "code": "0"}, False),
        (200, {"msg": "no code at all"}, False),
        (200, [], False),
        (302, {"errcode": 0, "code": 0}, False),
        (500, {"errcode": 0, "code": 0}, False),
    ],
)
def test_a_code_in_the_answer_is_a_refusal(robot: Robot, name: str, status: int, answer: object, taken: bool) -> None:  # noqa: FBT001
    robot.status, robot.answer = status, json.dumps(answer).encode()
    assert senders.send_message(PLUGINS[name][0], "跌倒", "客厅") is taken
    assert len(robot.came) == 1, "sent once, and nowhere else"


@pytest.mark.parametrize("name", sorted(PLUGINS))
def test_the_words_arrive_as_one_text(robot: Robot, name: str) -> None:
    robot.answer = b'{"errcode": 0, "code": 0}'
    assert senders.send_message(PLUGINS[name][0], "跌倒", "客厅")
    ((path, payload),) = robot.came
    assert payload == PAYLOADS[name]
    assert (TOKEN if name in {"dingtalk", "feishu"} else KEY) in path


def test_a_signed_robot_of_dingtalk_is_sent_a_signature(robot: Robot) -> None:
    robot.answer = b'{"errcode": 0}'
    assert senders.send_message(f"dingtalk://SECabc123@{TOKEN}/13800138000", "跌倒", "客厅")
    ((path, payload),) = robot.came
    assert "timestamp=" in path
    assert "sign=" in path
    assert payload["at"]["atMobiles"] == ["13800138000"]


def test_an_address_as_the_service_shows_it_is_its_robots(robot: Robot) -> None:
    robot.answer = b'{"errcode": 93000}'
    assert not senders.send_message(f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}", "跌倒", "客厅")
    assert len(robot.came) == 1


def test_an_address_that_cannot_be_read_is_refused() -> None:
    for name in PLUGINS:
        assert not senders.send_message(f"{name}://", "跌倒", "客厅")


@pytest.mark.parametrize("answer", [b"", b"ok", b"\xff", b"[" * 100_000, b"null", b'{"errcode": 0.5}'])
def test_what_is_no_answer_is_a_refusal(answer: bytes) -> None:
    assert not is_taken(answer, ("errcode",))
