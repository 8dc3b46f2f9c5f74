"""Asks the slices for what the board shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from anju_core.alerts import AlertNotFound
from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.alerts.summaries import AlertSummaries
from anju_platform.console.board import alert_list, presenter
from anju_platform.console.board.charts import draw_alert
from anju_platform.console.board.view_models import AbsenceLine, AlertLine, AlertPanel, Board, HandoverNote, QuietNote
from anju_platform.console.board.visit_summary import visit_panel
from anju_platform.console.home_card import card
from anju_platform.console.page_context import PageContext
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n import time_format
from anju_platform.i18n.addresses import address
from anju_platform.i18n.reasons import Reader, describe_reason
from anju_platform.i18n.translation import Words
from anju_platform.monitoring.status import ONLINE, HomeStatusReader
from anju_platform.oncall.service import OncallService
from anju_platform.residents.directory import find_homes, list_home_ids, list_running_absences
from anju_platform.routine.records import NoteView
from anju_platform.routine.service import RoutineService
from anju_platform.visits.assembly import VisitSlice


def read_board(page: PageContext) -> Board:
    """Return the list of the reader's scope, with its load, its homes and its quiet notes."""
    actor, alerts = page.actor, page.service(AlertSlice).queries
    with page.work() as work:
        work.only_read()
        now = work.clock.now()
        rows = alerts.list_alerts(work, actor)
        load = alerts.count_recent(work, actor.scope)
        homes = list_home_ids(work, actor.scope)
        offline = HomeStatusReader(work.session).list_offline()
        notes = page.service(RoutineService).list_unread_notes(work, actor)
        unattended = page.service(OncallService).list_unattended(work, actor.scope, now)
        absences = _absences(work, homes, now)
        handovers = page.service(OncallService).list_for(work, actor)
        places = find_homes(work, {one.home_id for one in rows if one.kind in TECHNICAL_KINDS})
    board = alert_list.show_board(
        rows,
        places,
        page.words,
        now.astimezone(page.zone),
        load=load,
        homes=len(homes),
        offline=sum(home in homes for home in offline),
    )
    return replace(
        board,
        notes=[_quiet_note(note, page.words, now) for note in notes],
        unattended=page.words("、").join(one.name for one in unattended),
        absences=absences,
        handovers=[HandoverNote(row.id, row.by_name, row.at, row.note) for row in handovers],
    )


def read_waiting(page: PageContext) -> Sequence[AlertLine]:
    """Return the alerts of the reader's scope that need a person now, most urgent first."""
    with page.work() as work:
        work.only_read()
        rows = page.service(AlertSlice).queries.list_alerts(work, page.actor)
        return alert_list.show_waiting(rows, page.words, work.clock.now().astimezone(page.zone))


def _absences(work: UnitOfWork, homes: Collection[str], now: datetime) -> list[AbsenceLine]:
    running = list_running_absences(work, homes, now)
    found = find_homes(work, {one.home_id for one in running})
    return [
        AbsenceLine(home_id=one.home_id, name=found[one.home_id].resident_names, until=one.until, told_by=one.told_by)
        for one in running
    ]


def read_alert(page: PageContext, alert_id: UUID) -> AlertPanel:
    """Return the chosen alert with its home, its newest visit and its drawings; raises `AlertNotFound`."""
    words = page.words
    with page.work() as work:
        work.only_read()
        now = work.clock.now()
        alert = page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor)
        home = card(work, alert.home_id, words, now)
        if home is None:
            raise AlertNotFound(alert_id)
        visits = page.service(VisitSlice).queries.list_of_alert(work, alert_id)
        supervision = HomeStatusReader(work.session).find_supervision([home.id]).get(home.id, ONLINE)
        kinds = {AlertKind(one.kind) for one in AlertSummaries(work.session).list_open([home.id])}
    also = ""
    if supervision.offline_since is not None and alert.kind is not AlertKind.HOME_OFFLINE:
        also = words(
            "这户现在失联，从 %(when)s 起", when=time_format.moment(words, now, supervision.offline_since, home.zone)
        )
    timeline, waveform = draw_alert(page.services.series, alert, words, now)
    return presenter.show_alert(
        alert,
        page.actor,
        home,
        words,
        now,
        visit=visit_panel(visits[0], words) if visits else None,
        timeline=timeline,
        waveform=waveform,
        also=also,
        kinds=kinds,
    )


def _quiet_note(note: NoteView, words: Words, now: datetime) -> QuietNote:
    return QuietNote(
        id=note.id,
        home_id=note.home_id,
        name=note.name,
        address=address(words, note.estate, note.building, note.unit, note.room),
        reason=describe_reason(note.reason, Reader(words, now, ZoneInfo(note.timezone))),
    )
