"""The catalogues of announcements: complete, read as gettext reads them, and the same words as the platform's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from fixtures.web_harness import WORDS

from anju_gateway.announcement_texts import LOCALE, LOCALES, AnnouncementTexts, InvalidCatalogue, read_catalogue
from anju_platform.notifications.announcement_texts import announcement_text
from anju_wire.vocabulary import ANNOUNCEMENTS, AnnouncementKey

FACTS: dict[str, str | int] = {"name": "王姐", "minutes": 9, "code": "482913"}
PLACES = re.compile(r"%\(\w+\)[sd]")


def path_of(locale: str) -> Path:
    return LOCALE / locale / "LC_MESSAGES" / "anju_gateway.po"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_there_and_nothing_else(locale: str) -> None:
    texts = read_catalogue(path_of(locale))
    assert set(texts) == set(AnnouncementKey) == set(ANNOUNCEMENTS)
    assert all(texts.values())


@pytest.mark.parametrize("locale", LOCALES)
def test_the_catalogue_is_read_as_gettext_reads_it(locale: str) -> None:
    with path_of(locale).open("rb") as file:
        messages = {message.id: message.string for message in read_po(file, locale=locale) if message.id}
    assert read_catalogue(path_of(locale)) == messages


def test_languages_fill_in_the_same_places() -> None:
    zh, en = (read_catalogue(path_of(locale)) for locale in LOCALES)
    for key in AnnouncementKey:
        assert sorted(PLACES.findall(zh[key])) == sorted(PLACES.findall(en[key])), key


@pytest.mark.parametrize("locale", LOCALES)
def test_the_platform_prints_the_same(locale: str) -> None:
    texts = AnnouncementTexts()
    for key in AnnouncementKey:
        assert texts.text(key, FACTS, locale) == announcement_text(key, FACTS, WORDS[locale])


@pytest.mark.parametrize("line", ['msgctxt "a"', 'msgid_plural "b"', 'msgid "a', '"more"'])
def test_a_catalogue_that_is_not_so_simple_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.po"
    path.write_text(f'msgid "a"\nmsgstr "b"\n{line}\n', encoding="utf-8")
    with pytest.raises(InvalidCatalogue, match="line 3"):
        read_catalogue(path)


def test_quotes_and_line_ends_are_unescaped(tmp_path: Path) -> None:
    path = tmp_path / "x.po"
    path.write_text('msgid "a"\nmsgstr "say \\"hi\\"\\nthen \\\\"\n', encoding="utf-8")
    assert read_catalogue(path) == {"a": 'say "hi"\nthen \\'}
