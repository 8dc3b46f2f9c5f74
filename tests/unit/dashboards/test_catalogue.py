"""The English catalogue says everything that the pages say, with the same places to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from fixtures.web_harness import WORDS

import anju_dashboards
import anju_platform

DASHBOARDS = Path(anju_dashboards.__file__).parent
PLATFORM = Path(anju_platform.__file__).parent
PLACES = re.compile(r"%\(\w+\)[sd]|%%")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
KEYWORDS = {"_": None, "gettext": None, "N_": None, "words": None, "counted": (1, 1)}


def said() -> Iterator[str]:
    """Every message of the templates and of the platform's Python."""
    for folder, method in ((DASHBOARDS / "templates", "jinja2"), (PLATFORM, "python")):
        options = {"**": {"newstyle_gettext": "true"}} if method == "jinja2" else {}
        found = extract_from_dir(folder, [("**.html", method), ("**.py", method)], options, KEYWORDS)
        for _file, _line, message, _comments, _context in found:
            one = message[0] if isinstance(message, tuple) else message
            if isinstance(one, str) and one:
                yield one


def key_of(message: object) -> str:
    """Return what a message of the catalogue is found by."""
    return str(message[0] if isinstance(message, tuple | list) else message)


def texts_of(translated: object) -> list[str]:
    """Return the translations of a message: one, or one for each form."""
    return [str(one) for one in translated] if isinstance(translated, tuple | list) else [str(translated)]


@pytest.fixture(scope="module")
def english() -> Catalog:
    with (DASHBOARDS / "locale/en/LC_MESSAGES/anju.po").open("rb") as file:
        return read_po(file, locale="en")


def test_messages_are_found() -> None:
    assert {"我来处理", "需要您", "已存手机", "十分钟内 %(n)s 条报警"} <= set(said())


def test_everything_is_translated(english: Catalog) -> None:
    missing = sorted({one for one in said() if one not in english or not all(texts_of(english[one].string))})
    assert not missing


def test_translations_fill_in_the_same_places(english: Catalog) -> None:
    for message in english:
        for text in texts_of(message.string) if message.id else []:
            assert sorted(PLACES.findall(key_of(message.id))) == sorted(PLACES.findall(text)), message.id


def test_no_translation_is_left_chinese(english: Catalog) -> None:
    assert not [message.id for message in english if message.id and CHINESE.search("".join(texts_of(message.string)))]


def test_nothing_is_translated_in_vain(english: Catalog) -> None:
    assert not {key_of(message.id) for message in english if message.id} - set(said())


@pytest.mark.parametrize(("n", "told"), [(1, "1 alert in ten minutes"), (4, "4 alerts in ten minutes")])
def test_what_is_counted_has_its_plural(n: int, told: str) -> None:
    assert WORDS["en"].counted("十分钟内 %(n)s 条报警", n) == told
    assert WORDS["zh"].counted("十分钟内 %(n)s 条报警", n) == f"十分钟内 {n} 条报警"
