"""Robots of WeCom groups (企业微信群机器人), `wecombot://KEY`.

Answer: `{"errcode": 0, "errmsg": "ok"}`; another code with 200 is a refusal.
"""

from __future__ import annotations

from anju_platform.notifications.senders._robots import post_message, read_address


def send(url: str, subject: str, body: str) -> bool:
    """Send one text; False where WeCom refuses it or the URL cannot be read. Raises `OSError`."""
    robot = read_address(url, "NotifyWeComBot")
    if robot is None:
        return False
    payload = {"msgtype": "text", "text": {"content": f"{subject}\n{body}"}}
    return post_message(robot.notify_url.format(key=robot.key), payload, ("errcode",))
