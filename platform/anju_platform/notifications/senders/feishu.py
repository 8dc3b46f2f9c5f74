"""Robots of Feishu groups (飞书自定义机器人), `feishu://TOKEN`.

Answer: `{"code": 0, "msg": "success"}`, of older robots `{"StatusCode": 0, …}`; another code with 200 is a refusal.
"""

from __future__ import annotations

from anju_platform.notifications.senders._robots import post_message, read_address

CODES = ("code", "StatusCode")
"""Codes of Feishu's and Lark's answers."""


def send(url: str, subject: str, body: str) -> bool:
    """Send one text; False where Feishu refuses it or the URL cannot be read. Raises `OSError`."""
    robot = read_address(url, "NotifyFeishu")
    if robot is None:
        return False
    payload = {"msg_type": "text", "content": {"text": f"{subject}\n{body}"}}
    return post_message(robot.notify_url.format(token=robot.token), payload, CODES)
