"""Renders pages: one Jinja environment for each language, with filters for times, places and money."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import anju_dashboards
from anju_core.errors import DomainError
from anju_platform.console import activity_timeline, waveform_chart
from anju_platform.console.error_messages import explain
from anju_platform.console.navigation import hears_alarms, links_for
from anju_platform.i18n import display_names, time_format
from anju_platform.i18n.addresses import address, translate_address
from anju_platform.i18n.translation import LOCALES, N_, SOURCE, Words, load_words
from anju_platform.i18n.typed_words import translate_typed
from anju_platform.web.languages import choose_locale
from anju_wire.clock import Clock

HOME = Path(anju_dashboards.__file__).parent
STATIC = HOME / "static"
UTC_ZONE = ZoneInfo("UTC")
"""Time zone of pages without a home or a community; they show no times."""

# What the small scripts say; the same messages as the server's, so that a running clock never changes its wording.
SCRIPT_WORDS = {
    "seconds": time_format.SECONDS,
    "minutes": time_format.MINUTES,
    "hours": time_format.HOURS,
    "hoursMinutes": time_format.HOURS_MINUTES,
    "days": time_format.DAYS,
    "daysHours": time_format.DAYS_HOURS,
    "ago": time_format.AGO,
    "ahead": time_format.AHEAD,
    "offline": N_("没有网络"),
    "stale": N_("画面停在 %(when)s，正在重新连接…"),
    "failed": N_("没有成功：%(why)s"),
    "unreachable": N_("连不上服务器，什么都没有改变。请再试一次。"),
    "kept": N_("已存手机"),
    "sent": N_("已发送"),
    "refused": N_("没有被接受：%(why)s"),
    "waiting": N_("%(n)s 步存在手机里，有信号就发送"),
    "allSent": N_("全部已发送"),
    "helpKept": N_("没有信号：先拨 120；求助已存手机，有信号就发给值班室"),
    "helpSent": N_("值班室和社区已收到您的求助"),
    "locating": N_("正在定位…"),
    "located": N_("已定位"),
    "noPlace": N_("没有定位，也可以继续"),
    "newAlert": N_("新的报警"),
    "close": N_("知道了"),
    "ended": N_("登录过期了，收不到报警了。请另开一页登录。"),
    "undo": N_("撤销（%(s)s 秒）"),
    "over": N_("超时"),
}


class Pages:
    """Renders templates in all languages."""

    def __init__(self, clock: Clock, home: Path = HOME) -> None:
        self.clock = clock
        self.words: Mapping[str, Words] = load_words(home / "locale")
        self._environments = {locale: _environment(home / "templates", self.words[locale]) for locale in LOCALES}
        versions = {path.relative_to(home / "static").as_posix(): _version(path) for path in _assets(home / "static")}
        for environment in self._environments.values():
            environment.globals["asset"] = partial(_asset, versions)

    def select_words(self, request: Request) -> Words:
        """Return the language of a request: that of the query, of the cookie, of the browser, or Chinese."""
        return self.words[choose_locale(request) or SOURCE]

    def explain_error(self, request: Request, error: DomainError) -> str:
        """Return the message of a domain error in the reader's language."""
        return explain(error, self.select_words(request))

    def render_text(self, name: str, locale: str, now: datetime, zone: ZoneInfo = UTC_ZONE, **view: object) -> str:
        """Render a template to text; its times are told against `now` and shown in `zone`."""
        environment = self._environments[locale]
        frame = {
            "now": now,
            "locale": locale,
            "zone": zone.key,
            "viewer": None,
            "csrf": "",
            "path": "/",
            "chosen_page": "",
        }
        return environment.get_template(name).render({**frame, **_filters_at(now, self.words[locale], zone), **view})

    def render(
        self, request: Request, name: str, zone: ZoneInfo = UTC_ZONE, /, *, status: int = 200, **view: object
    ) -> HTMLResponse:
        """Render a template as the answer to a request."""
        words = self.select_words(request)
        here = {"path": request.url.path, "other_language": _other_language(request, words)}
        text = self.render_text(name, words.locale, self.clock.now(), zone, **here, **view)
        answer = HTMLResponse(text, status)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
        return answer


def _environment(templates: Path, words: Words) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(words.messages, newstyle=True)  # type: ignore[attr-defined]
    script_words = json.dumps({name: words(message) for name, message in SCRIPT_WORDS.items()}, ensure_ascii=False)
    environment.globals |= {
        "script_words": Markup(script_words.replace("<", "\\u003c")),  # noqa: S704 - our own messages, escaped for a script block
        "alert_status": display_names.alert_status,
        "hears_alarms": hears_alarms,
        "links_for": links_for,
        "ring": ring,
        "counted": words.counted,
        "words": words,
    }
    environment.filters |= {
        "label": lambda value, table: words(display_names.LABELS[table].get(value, str(value))),
        "span": partial(time_format.span, words),
        "iso": lambda at: at.astimezone(UTC).isoformat(),
        "epoch": lambda at: int(at.timestamp() * 1000),
        "address": partial(address, words),
        "spoken": partial(translate_address, words),
        "typed": partial(translate_typed, words),
        "yuan": partial(yuan, words),
        "percent": percent,
        "strip": lambda drawn: activity_timeline.draw(drawn, words),
        "wave": lambda drawn: waveform_chart.draw(drawn.magnitudes, drawn.rate, words, impact_s=drawn.impact_s),
        "day": lambda value: time_format.day(words, value),
    }
    return environment


def _filters_at(now: datetime, words: Words, page_zone: ZoneInfo) -> dict[str, Any]:
    """Return the template functions for times relative to `now`, in the page's zone unless another is given."""

    def ago(at: datetime, zone: ZoneInfo = page_zone) -> Markup:
        return Markup('<time datetime="{}" title="{}" data-ago="{}">{}</time>').format(
            at.astimezone(UTC).isoformat(),
            time_format.exact(at, zone),
            int(at.timestamp() * 1000),
            time_format.ago(words, now, at, zone),
        )

    def at(at: datetime, zone: ZoneInfo = page_zone) -> Markup:
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.astimezone(UTC).isoformat(), time_format.exact(at, zone), time_format.moment(words, now, at, zone)
        )

    def exact(at: datetime) -> str:
        return time_format.exact(at, page_zone)

    def clock(at: datetime) -> str:
        return f"{at.astimezone(page_zone):%H:%M:%S}"

    return {"ago": ago, "at": at, "exact": exact, "clock": clock, "left": lambda until: (until - now).total_seconds()}


def yuan(words: Words, fen: int) -> str:
    """Format money, given in fen (0.01 yuan)."""
    amount = f"{fen / 100:,.2f}".removesuffix(".00")
    return words("%(n)s 元", n=amount)


def percent(share: float | None, digits: int = 1) -> str:
    """Format a share of 1 as per cent; None is a dash."""
    return "–" if share is None else f"{share * 100:.{digits}f} %"


def ring(left_s: float, whole_s: float) -> float:
    """Return what is left of the ring, 0 to 100."""
    return 0.0 if whole_s <= 0 else min(100.0, max(0.0, left_s / whole_s * 100))


def _assets(static: Path) -> list[Path]:
    return [path for path in static.rglob("*") if path.is_file() and path.suffix in {".css", ".js"}]


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _asset(versions: Mapping[str, str], name: str) -> str:
    """Return the address of a static file with its version, so that browsers may cache it for a year."""
    return f"/static/{name}?v={versions.get(name, '0')}"


def _other_language(request: Request, words: Words) -> str:
    other = "zh" if words.locale == "en" else "en"
    return str(request.url.include_query_params(lang=other).replace(scheme="", netloc=""))
