"""Time as people tell it: "5 小时 10 分前 · 21:04". All of it is computed from the event's time and a given now."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from anju_platform.i18n.translation import N_, Words

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SECONDS = N_("%(s)s 秒")
MINUTES = N_("%(m)s 分钟")
HOURS_MINUTES = N_("%(h)s 小时 %(m)s 分")
HOURS = N_("%(h)s 小时")
DAYS_HOURS = N_("%(d)s 天 %(h)s 小时")
DAYS = N_("%(d)s 天")
AGO = N_("%(span)s前")
AHEAD = N_("%(span)s后")


def span(words: Words, seconds: float) -> str:
    """Return a length of time in its two largest units: `5 小时 10 分`, `42 秒`."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // _DAY, whole % _DAY // _HOUR, whole % _HOUR // _MINUTE
    if whole < _MINUTE:
        return words(SECONDS, s=whole)
    if whole < _HOUR:
        return words(MINUTES, m=minutes)
    if not days:
        return words(HOURS_MINUTES, h=hours, m=minutes) if minutes else words(HOURS, h=hours)
    return words(DAYS_HOURS, d=days, h=hours) if hours else words(DAYS, d=days)


def moment(words: Words, now: datetime, at: datetime, zone: ZoneInfo) -> str:
    """A time of day, with the day where it is not today's: `21:04`, `昨天 21:04`, `11月20日 21:04`."""
    there, here = at.astimezone(zone), now.astimezone(zone)
    clock = f"{there:%H:%M}"
    apart = (there.date() - here.date()).days
    if apart == 0:
        return clock
    if apart in {-1, 1}:
        near = words("昨天") if apart < 0 else words("明天")
        return f"{near} {clock}"
    return f"{day(words, there.date())} {clock}"


def day(words: Words, value: date) -> str:
    """Return a date without its year: `11月20日` or `20 Nov`."""
    month = _MONTHS[value.month - 1] if words.locale == "en" else value.month
    return words("%(month)s月%(day)s日", month=month, day=value.day)


def ago(words: Words, now: datetime, at: datetime, zone: ZoneInfo) -> str:
    """How long ago and when: `5 小时 10 分前 · 21:04`; what is ahead reads `20 分钟后 · 21:30`."""
    apart = (now - at).total_seconds()
    told = words(AGO, span=span(words, apart)) if apart >= 0 else words(AHEAD, span=span(words, -apart))
    return f"{told} · {moment(words, now, at, zone)}"


def exact(at: datetime, zone: ZoneInfo) -> str:
    """Return date and time to the second: `2026-11-20 21:04:05`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the local day that holds `at`."""
    there = at.astimezone(zone)
    return there.replace(hour=0, minute=0, second=0, microsecond=0)


def day_after(at: datetime) -> datetime:
    """The same local time a day later (summer time may make it 23 or 25 h)."""
    return at + timedelta(days=1)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of a time in `zone`."""
    return at.astimezone(zone).date()
