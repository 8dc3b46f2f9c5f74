"""A report as one self-contained HTML file: Chinese first, English beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = """
:root{color-scheme:light dark;--ink:#1e293b;--soft:#64748b;--line:#d8dee6;--paper:#fff;--wash:#f4f6f9;--warn:#b42318}
@media (prefers-color-scheme:dark){
:root{--ink:#e5e9f0;--soft:#9aa7b8;--line:#38424f;--paper:#14181f;--wash:#1d232c;--warn:#ff9a8a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.6 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:1000px;margin:0 auto;padding:20px 16px 60px}
h1{font-size:1.6rem;line-height:1.3;margin:.4em 0 .2em}
h2{font-size:1.2rem;margin:2em 0 .3em;line-height:1.35}
.en{color:var(--soft);font-size:.86em;font-weight:400}
h1 .en,h2 .en,th .en{display:block}
p{max-width:70ch;margin:.4em 0 .9em}
.pair{display:grid;gap:20px 28px;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))}
figure{margin:0;min-width:0}
svg{display:block;width:100%;height:auto;max-width:560px;font-size:13px}
svg text{fill:currentColor}
svg .en{fill:var(--soft);font-size:11.5px}
svg .grid{stroke:var(--line)}
svg .rail{fill:var(--wash)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:4px 0 0;padding:0;font-size:.86rem}
.legend span{display:inline-block;width:14px;height:4px;border-radius:2px;margin-right:6px;vertical-align:middle}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:6px 10px;text-align:right;border-bottom:1px solid var(--line)}
@media (max-width:720px){th,td{white-space:nowrap}}
th{background:var(--wash);font-weight:600;vertical-align:bottom}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
th:first-child{background:var(--wash)}
tr:last-child td{border-bottom:0}
tr.marked td{color:var(--warn);font-weight:600}
"""


def words(zh: str, en: str) -> str:
    """Return Chinese with its English beside it."""
    return f'{escape(zh)} <span class="en">{escape(en)}</span>'


def heading(zh: str, en: str) -> str:
    """Return a section's heading."""
    return f"<h2>{words(zh, en)}</h2>"


def paragraph(zh: str, en: str) -> str:
    """Return a paragraph in both languages."""
    return f'<p>{escape(zh)}<br><span class="en">{escape(en)}</span></p>'


def table(head: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], marked: Sequence[int] = ()) -> str:
    """Return a table that scrolls sideways; `marked` rows stand out."""
    top = "".join(f"<th>{words(*cell)}</th>" for cell in head)
    body = "".join(_row(row, marked=number in marked) for number, row in enumerate(rows))
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(cells: Sequence[str], *, marked: bool) -> str:
    inside = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr class="marked">{inside}</tr>' if marked else f"<tr>{inside}</tr>"


def pair(*figures: str) -> str:
    """Return figures side by side where there is room."""
    return f'<div class="pair">{"".join(figures)}</div>'


def page(zh: str, en: str, parts: Sequence[str]) -> str:
    """Return the whole file."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    body = f"<main><h1>{words(zh, en)}</h1>{''.join(parts)}</main>"
    top = f"<head>{head}<title>{escape(zh)}</title><style>{_STYLE}</style></head>"
    return f'<!doctype html><html lang="zh-CN">{top}<body>{body}</body></html>\n'
