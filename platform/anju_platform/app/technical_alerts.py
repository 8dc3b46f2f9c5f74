"""Tells the people who keep the platform running that something is wrong with it. No home's alert is raised."""

from __future__ import annotations

from collections.abc import Mapping

from anju_core.urgency import Urgency
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.i18n.translation import N_, Words
from anju_platform.notifications.service import Notification, OutboxService
from anju_platform.oncall.service import OncallService

CLOCK_STEPPED = N_("平台所在机器的时钟跳变了 %(seconds)d 秒；各项期限不受影响，请检查时间同步")
SERIES_SET_ASIDE = N_("读数库损坏，已移到 %(path)s 并重新开始；报警不受影响，请按运维手册恢复")
HELP_CALLS_WAIT = N_("求助消息发不出去，最早的一条已经等了 %(seconds)d 秒")
_SUBJECT = N_("【技术】安居平台需要检查")


class TechnicalAlerts:
    """Writes messages to the district's people into the outbox; words: the translations by locale."""

    def __init__(
        self, work: WorkFactory, outbox: OutboxService, oncall: OncallService, words: Mapping[str, Words]
    ) -> None:
        self._work, self._outbox, self._oncall, self._words = work, outbox, oncall, words

    def tell(self, text: str, *, once: str = "", **facts: object) -> None:
        """Tell `text`, one of the texts of this module, with its facts; what has the same `once` is told one time."""
        with self._work() as work:
            step = f"technical-{once or work.new_id()}"
            notification = Notification(
                step=step,
                alert_id=None,
                subject={locale: words(_SUBJECT) for locale, words in self._words.items()},
                body={locale: words(text, **facts) for locale, words in self._words.items()},
                payload={"technical": step},
                urgency=Urgency.SOON,  # not beside homes that are offline: a broken network tells of hundreds
            )
            self._outbox.notify_people(work, notification, self._oncall.find_overseers(work))
