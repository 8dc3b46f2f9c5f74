"""Sentences told to the elder, for gateways of version 0.1.0, which cannot make them from a key and facts."""

from __future__ import annotations

from collections.abc import Mapping

from anju_platform.i18n.translation import N_, Words
from anju_wire.vocabulary import AnnouncementKey

_SENTENCES: Mapping[AnnouncementKey, str] = {
    AnnouncementKey.SOS_SEEN: N_("收到了，正在通知值班人员"),
    AnnouncementKey.FALL_SEEN: N_("您可能摔倒了，正在通知值班人员"),
    AnnouncementKey.SMOKE_SEEN: N_("有烟，请先离开房间，正在通知值班人员"),
    AnnouncementKey.LEAK_SEEN: N_("家里可能漏水，正在通知社区"),
    AnnouncementKey.INACTIVITY_SEEN: N_("好一会儿没看到您活动了，社区会联系您"),
    AnnouncementKey.OTHERS_ASKED: N_("正在请另一位工作人员联系您"),
    AnnouncementKey.COMING_SOON: N_("%(name)s看到了，马上联系您"),
    AnnouncementKey.ON_THE_WAY: N_("%(name)s已出发"),
    AnnouncementKey.ON_THE_WAY_MINUTES: N_("%(name)s已出发，大约 %(minutes)d 分钟到"),
    AnnouncementKey.VISIT_CODE: N_("%(name)s到门口时，请告诉她验证码 %(code)s"),
    AnnouncementKey.CLOSED: N_("这件事已处理好，请放心"),
    AnnouncementKey.CANCELLED: N_("已取消，没事就好"),
}


def announcement_text(key: AnnouncementKey, facts: Mapping[str, str | int], words: Words) -> str:
    """Return the sentence in the language of `words`; the digits of a code are spaced out, to be spoken singly.

    Raises `KeyError` for a sentence that only a gateway says, or a fact that is missing.
    """
    spoken = {name: " ".join(str(value)) if name == "code" else value for name, value in facts.items()}
    return words(_SENTENCES[key], **spoken)
