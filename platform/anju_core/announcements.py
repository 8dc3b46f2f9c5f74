"""What an elder is told, and in which words: short, warm, in the second person, never like an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anju_core.vocabulary import AlertKind
from anju_wire.vocabulary import Announcement


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing to say, in both languages."""

    announce: Announcement
    zh: str
    en: str


SEEN: Mapping[AlertKind, Saying] = {
    AlertKind.SOS: Saying(
        Announcement.SEEN, "收到了，正在通知值班人员", "We have it and are telling the person on duty"
    ),
    AlertKind.FALL: Saying(
        Announcement.SEEN, "您可能摔倒了，正在通知值班人员", "You may have fallen; we are telling the person on duty"
    ),
    AlertKind.SMOKE: Saying(
        Announcement.SEEN,
        "有烟，请先离开房间，正在通知值班人员",
        "There is smoke: please leave; we are telling the person on duty",
    ),
    AlertKind.LEAK: Saying(
        Announcement.SEEN, "家里可能漏水，正在通知社区", "Water may be leaking; we are telling the community"
    ),
    AlertKind.INACTIVITY: Saying(
        Announcement.SEEN,
        "好一会儿没看到您活动了，社区会联系您",
        "We have not seen you move for a while; somebody will call you",
    ),
}
"""Said when the platform has it and a person is being told; a kind that is absent is not spoken of to the elder."""


def coming_soon(name: str) -> Saying:
    """A worker has taken it."""
    return Saying(Announcement.COMING, f"{name}看到了，马上联系您", f"{name} has seen it and will contact you now")


def others_asked() -> Saying:
    """Who had taken it handed it back."""
    return Saying(Announcement.SEEN, "正在请另一位工作人员联系您", "Somebody else is being asked to contact you")


def on_the_way(name: str, minutes: int | None) -> Saying:
    """A named person has set out; minutes where they are known."""
    if minutes is None:
        return Saying(Announcement.COMING, f"{name}已出发", f"{name} is on the way")
    return Saying(
        Announcement.COMING, f"{name}已出发，大约 {minutes} 分钟到", f"{name} is on the way, about {minutes} minutes"
    )


def visit_code(name: str, code: str) -> Saying:
    """The code that the carer asks for at the door."""
    digits = " ".join(code)
    return Saying(
        Announcement.VISIT_CODE,
        f"{name}到门口时，请告诉她验证码 {digits}",
        f"When {name} is at the door, please tell her the code {digits}",
    )


def closed() -> Saying:
    """The matter is closed."""
    return Saying(Announcement.CLOSED, "这件事已处理好，请放心", "This has been taken care of")


def cancelled() -> Saying:
    """Withdrawn by the elder, or the elder moved as before."""
    return Saying(Announcement.CANCELLED, "已取消，没事就好", "Cancelled; good that all is well")
