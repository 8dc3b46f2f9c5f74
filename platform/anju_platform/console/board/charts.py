"""The drawings of an alert: the day around it, and the seconds of a fall."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from anju_core.vocabulary import INACTIVITY_KINDS, AlertKind
from anju_platform.alerts.queries import AlertDetail
from anju_platform.console import day_timeline
from anju_platform.console.activity_timeline import ActivityTimeline, TimeSpan
from anju_platform.console.waveform_chart import WaveformChart, magnitudes
from anju_platform.i18n.translation import Words
from anju_platform.timeseries.store import SeriesStore, SeriesUnavailable
from anju_wire.profiles import LIFE_QUANTITIES

USUAL_DAYS = 7
"""Days before the drawn day from which the usual activity is taken."""
AHEAD = timedelta(hours=1)
"""The part of the timeline after the present: what happened just now is then not at its edge."""


def draw_alert(
    series: SeriesStore, alert: AlertDetail, words: Words, now: datetime
) -> tuple[ActivityTimeline | None, WaveformChart | None]:
    """Return the day's timeline and the waveform of a fall; None for what there is no data of.

    The alert is shown without drawings while the series store is unavailable.
    """
    try:
        return _draw_day(series, alert, words, now), _draw_fall(series, alert)
    except SeriesUnavailable:
        return None, None


def _draw_day(series: SeriesStore, alert: AlertDetail, words: Words, now: datetime) -> ActivityTimeline | None:
    upto = alert.closed_at or now
    end = upto + AHEAD
    start = end - timedelta(days=1)
    usual_from_s = (start - timedelta(days=USUAL_DAYS)).timestamp()
    signs = series.read_home(alert.home_id, usual_from_s, end.timestamp(), quantities=LIFE_QUANTITIES)
    zone = ZoneInfo(alert.timezone)
    rows = day_timeline.build_rows(
        signs, start, end, words, day_timeline.find_usual_hours(signs, start, start, end, zone)
    )
    if not rows:
        return None
    since = TimeSpan(max(alert.happened_at, start), upto)
    offline, gap = alert.kind is AlertKind.HOME_OFFLINE, alert.kind in INACTIVITY_KINDS
    return ActivityTimeline(
        start,
        end,
        rows,
        upto,
        zone,
        gap=since if gap else None,
        impact=None if gap or offline else alert.happened_at,
        dark=[since] if offline else [],
    )


def _draw_fall(series: SeriesStore, alert: AlertDetail) -> WaveformChart | None:
    if alert.kind is not AlertKind.FALL:
        return None
    told_s = alert.facts.get("impact_s")  # the clip's times are by the home's clock, which may be ahead
    at_s = told_s if isinstance(told_s, int | float) else alert.happened_at.timestamp()
    clip = series.read_clip(alert.home_id, at_s)
    return None if clip is None else WaveformChart(magnitudes(clip.data), clip.fs_hz, max(0.0, at_s - clip.start_s))
