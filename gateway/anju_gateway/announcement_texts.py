"""The words of announcements: gettext catalogues in `locale/`, one for each language, whose ids are announcement keys.

The catalogues are read as they are written, so that a gateway needs neither Babel nor a build step. Each entry is one
line of `msgid` and one of `msgstr`; plural forms, contexts and several lines are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from anju_wire.vocabulary import AnnouncementKey

LOCALES = ("zh", "en")
LOCALE = Path(__file__).parent / "locale"
_LINE = re.compile(r'(msgid|msgstr) "((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


class InvalidCatalogue(ValueError):
    """A line of a catalogue that cannot be read."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(f"{path}, line {line}: neither a comment nor a message id or text on one line")
        self.path, self.line = path, line


def read_catalogue(path: Path) -> dict[str, str]:
    """Read a .po file; return its texts by message id. Raises `InvalidCatalogue`, and `OSError` where it is missing."""
    texts: dict[str, str] = {}
    message: str | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = _LINE.fullmatch(line.strip())
        if found is not None:
            word, text = found[1], _ESCAPE.sub(lambda escape: {"n": "\n"}.get(escape[1], escape[1]), found[2])
            if word == "msgid":
                message = text
            elif message is not None:
                texts[message] = text
        elif line.strip() and not line.startswith("#") and not (message == "" and line.startswith('"')):
            raise InvalidCatalogue(path, number)
    texts.pop("", None)
    return texts


class AnnouncementTexts:
    """The sentences of every language, by key."""

    def __init__(self, directory: Path = LOCALE) -> None:
        self._texts = {
            locale: read_catalogue(directory / locale / "LC_MESSAGES" / "anju_gateway.po") for locale in LOCALES
        }

    def text(self, key: AnnouncementKey, facts: Mapping[str, str | int], locale: str) -> str:
        """Return the sentence in a language; the digits of a code are spaced out, to be spoken one by one.

        Raises `KeyError` for an unknown key or a missing fact, `TypeError` for a fact of the wrong type.
        """
        spoken = {name: " ".join(str(value)) if name == "code" else value for name, value in facts.items()}
        return self._texts[locale][key] % spoken
