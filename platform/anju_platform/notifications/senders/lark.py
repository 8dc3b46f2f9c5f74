"""Robots of Lark groups, Feishu outside of China, `lark://TOKEN`; they answer as Feishu's do."""

from __future__ import annotations

from anju_platform.notifications.senders._robots import post_message, read_address
from anju_platform.notifications.senders.feishu import CODES


def send(url: str, subject: str, body: str) -> bool:
    """Send one text; False where Lark refuses it or the URL cannot be read. Raises `OSError`."""
    robot = read_address(url, "NotifyLark")
    if robot is None:
        return False
    payload = {"msg_type": "text", "content": {"text": f"{subject}\n{body}"}}
    return post_message(robot.webhook_url, payload, CODES)
