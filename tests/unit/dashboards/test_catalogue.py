"""The English catalogue says everything that the pages say, with the same places to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import anju_dashboards
import anju_platform

DASHBOARDS = Path(anju_dashboards.__file__).parent
PLATFORM = Path(anju_platform.__file__).parent
PLACES = re.compile(r"%\(\w+\)s|%%")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
KEYWORDS = {"_": None, "gettext": None, "N_": None, "words": None}


def said() -> Iterator[str]:
    """Every message of the templates and of the platform's Python."""
    for folder, method in ((DASHBOARDS / "templates", "jinja2"), (PLATFORM, "python")):
        options = {"**": {"newstyle_gettext": "true"}} if method == "jinja2" else {}
        found = extract_from_dir(folder, [("**.html", method), ("**.py", method)], options, KEYWORDS)
        for _file, _line, message, _comments, _context in found:
            if isinstance(message, str) and message:
                yield message


@pytest.fixture(scope="module")
def english() -> Catalog:
    with (DASHBOARDS / "locale/en/LC_MESSAGES/anju.po").open("rb") as file:
        return read_po(file, locale="en")


def test_messages_are_found() -> None:
    assert {"我来处理", "需要您", "已存手机"} <= set(said())


def test_everything_is_translated(english: Catalog) -> None:
    missing = sorted({one for one in said() if one not in english or not english[one].string})
    assert not missing


def test_translations_fill_in_the_same_places(english: Catalog) -> None:
    for message in english:
        if message.id:
            assert sorted(PLACES.findall(str(message.id))) == sorted(PLACES.findall(str(message.string))), message.id


def test_no_translation_is_left_chinese(english: Catalog) -> None:
    assert not [message.id for message in english if message.id and CHINESE.search(str(message.string))]


def test_nothing_is_translated_in_vain(english: Catalog) -> None:
    assert not {message.id for message in english if message.id} - set(said())
