"""Robots of DingTalk groups (钉钉群机器人), `dingtalk://[SECRET@]TOKEN[/PHONE…]`.

Answer: `{"errcode": 0, "errmsg": "ok"}`; another code with 200 is a refusal.
"""

from __future__ import annotations

from urllib.parse import urlencode

from anju_platform.notifications.senders._robots import post_message, read_address


def send(url: str, subject: str, body: str) -> bool:
    """Send one text; False where DingTalk refuses it or the URL cannot be read. Raises `OSError`."""
    robot = read_address(url, "NotifyDingTalk")
    if robot is None:
        return False
    address = robot.notify_url.format(token=robot.token)
    if robot.secret:
        timestamp, signature = robot.get_signature()
        address += "&" + urlencode({"timestamp": timestamp, "sign": signature})
    payload = {
        "msgtype": "text",
        "text": {"content": f"{subject}\n{body}"},
        "at": {"atMobiles": list(robot.targets), "isAtAll": False},
    }
    return post_message(address, payload, ("errcode",))
