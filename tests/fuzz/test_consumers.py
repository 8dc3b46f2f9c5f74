"""Hostile messages of whole homes through both consumers, as the platform composes them, on each database.

An honest press of another home is handed over behind each hostile message of the alarm lane, and again and again while
a batch of hostile telemetry is being stored in the other thread. `./dev fuzz MINUTES` also holds the longest time that
a press took against its bound; a machine that is busy with other tests is not asked for that.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Executor, ThreadPoolExecutor

from fuzz.fuzzed_platform import FuzzedPlatform
from fuzz.pages import PageVisits, listening, visit_pages
from fuzz.run_report import MINUTES, RunReport, count_rounds
from sqlalchemy import Select, func, select

from anju_platform.alerts.models import Alert
from anju_platform.devices.models import Device, Quarantine
from anju_platform.devices.quarantine import QuarantineLimits
from anju_platform.devices.service import MOST_UNREGISTERED
from anju_platform.ingest.alarm_ledger import MOST_DIGESTS
from anju_platform.ingest.cursors import MOST_EPOCHS
from anju_platform.ingest.models import AlarmDigest, IngestCursor
from anju_platform.notifications.models import Outbox
from anju_wire.vocabulary import Lane

BATCH = 2000 if MINUTES else 200
"""Hostile messages of a batch of telemetry, a tenth of them clips. Ingest makes batches of up to 2000."""
MOST_PRESSES = 4
"""Presses while one batch is being stored: more would leave it no time."""
AT_ONCE = 20
"""Messages that the other line may set aside at the same moment; the next one to come makes up for them."""
ROUNDS = 4
CLOSE_EVERY, PAGES_EVERY = 4, 200
"""Rounds after which a worker closes what is open, so that the next presses raise new alerts."""


def test_an_honest_press_is_stored_behind_each_message_and_every_page_can_be_read(fuzzed: FuzzedPlatform) -> None:
    database = fuzzed.platform.database.dialect.name
    report, visits = RunReport(f"consumers, {database}"), PageVisits()
    fuzzed.send_alarms([one.name_marked(Lane.ALARM, fuzzed.now()) for one in fuzzed.hostile], 0)
    fuzzed.send_telemetry([one.name_marked(Lane.TELEMETRY, fuzzed.now()) for one in fuzzed.hostile], 0)
    with listening(fuzzed.district, visits), ThreadPoolExecutor(1) as other:
        for number in count_rounds(ROUNDS, share=1.5):
            _send_round(fuzzed, report, other, number)
            if number % CLOSE_EVERY == CLOSE_EVERY - 1:
                fuzzed.platform.monitoring.sweep_homes(fuzzed.now())
                if number % PAGES_EVERY == PAGES_EVERY - 1:
                    visit_pages(fuzzed.district, visits)
                fuzzed.close_alerts()
        report.notes |= {f"{level}: {said}": count for (level, said), count in fuzzed.log.shown.items()}
        report.notes |= count_rows(fuzzed)
        report.tell()
        visit_pages(fuzzed.district, visits)
        fuzzed.close_alerts()
        visit_pages(fuzzed.district, visits, ("worker", "supervisor"))
    pages = RunReport(f"pages, {database}", visits.answers.total())
    pages.notes |= {str(status): count for status, count in sorted(visits.answers.items())}
    pages.notes |= {"marks on pages": visits.marked, "in the API": visits.told, "events streamed": visits.events}
    pages.tell()
    assert min(visits.marked, visits.told, visits.events), "no page shows the mark, or no answer, or no event came"
    assert not fuzzed.log.errors, fuzzed.log.errors[-1]


def _send_round(fuzzed: FuzzedPlatform, report: RunReport, other: Executor, number: int) -> None:
    """Store a batch of hostile telemetry in another thread, and alarms with presses behind them in this one."""
    now_s = fuzzed.now()
    lanes = [Lane.CLIP if at % 10 == 9 else Lane.TELEMETRY for at in range(BATCH)]
    batch = [fuzzed.hostile[at % 2].draw(lane, now_s) for at, lane in enumerate(lanes)]
    stored = other.submit(fuzzed.send_telemetry, batch, number)
    for _ in range(MOST_PRESSES):
        send_alarm(fuzzed, report)
        if stored.done():
            break
    stored.result()
    for lane, messages in Counter(lanes).items():
        report.count(lane, messages)
    report.memory.note(report.messages)


def send_alarm(fuzzed: FuzzedPlatform, report: RunReport) -> None:
    """Send one hostile message of the alarm lane, or a status in each fifth place, and the press behind it."""
    lane = Lane.STATUS if report.presses % 5 == 4 else Lane.ALARM
    hostile = fuzzed.hostile[report.presses % 2].draw(lane, fuzzed.now())
    report.longest_s = max(report.longest_s, fuzzed.send_alarms([hostile], report.presses))
    report.presses += 1
    report.count(lane, 1)


def count_rows(fuzzed: FuzzedPlatform) -> dict[str, int]:
    """Return the rows of each table that homes fill; fails where one of them is over its bound."""
    limits = QuarantineLimits()
    with fuzzed.platform.work() as work:
        work.only_read()

        def most(query: Select[tuple[int]]) -> int:
            return max(work.session.scalars(query), default=0)

        assert most(select(func.count(Quarantine.id)).group_by(Quarantine.home)) <= limits.of_home + AT_ONCE
        assert most(select(func.count(Quarantine.id))) <= limits.in_all + AT_ONCE
        assert most(select(func.sum(Quarantine.kept))) <= limits.all_bytes
        of_lane = (IngestCursor.gateway_id, IngestCursor.lane)
        assert most(select(func.count(IngestCursor.epoch)).group_by(*of_lane)) <= MOST_EPOCHS
        assert most(select(func.count(AlarmDigest.seq)).group_by(AlarmDigest.gateway_id)) < MOST_DIGESTS + 64
        strangers = select(func.count(Device.id)).where(Device.known.is_(False)).group_by(Device.home_id)
        assert most(strangers) <= MOST_UNREGISTERED
        tables = (Quarantine, IngestCursor, AlarmDigest, Device, Alert, Outbox)
        return {table.__tablename__: most(select(func.count()).select_from(table)) for table in tables}
