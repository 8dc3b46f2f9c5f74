"""What the pages say, in Chinese (the source) and English (a catalogue beside it).

The English catalogue is a gettext file that Babel reads when the platform starts; a test holds it complete.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import anju_dashboards

SOURCE = "zh"
LOCALES = ("zh", "en")


def N_(message: str) -> str:  # noqa: N802 - the name that gettext tools know
    """Mark a message of a table for translation; it is translated where it is shown."""
    return message


class Words:
    """The messages of one language."""

    def __init__(self, locale: str, messages: NullTranslations | None = None) -> None:
        self.locale = locale
        self.messages = messages or NullTranslations()

    def __call__(self, message: str, **values: object) -> str:
        """Translate the Chinese `message` and fill in its `%(name)s` places."""
        text = self.messages.gettext(message)
        return text % values if values else text

    def counted(self, message: str, n: int, **values: object) -> str:
        """Translate a message whose words depend on a number, and fill in `%(n)s` and the other places.

        Chinese has one form for every number; the other languages' catalogues have theirs.
        """
        return self.messages.ngettext(message, message, n) % {"n": n, **values}


CATALOGUES = Path(anju_dashboards.__file__).parent / "locale"


def load_words(directory: Path = CATALOGUES) -> Mapping[str, Words]:
    """Read every language's `<locale>/LC_MESSAGES/anju.po` under `directory`; raises `OSError` where one is missing."""
    return {SOURCE: Words(SOURCE)} | {
        locale: Words(locale, _catalogue(directory / locale / "LC_MESSAGES" / "anju.po", locale))
        for locale in LOCALES
        if locale != SOURCE
    }


def _catalogue(path: Path, locale: str) -> GNUTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
