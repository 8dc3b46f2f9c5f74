"""Messages into a file, for a relay that a district runs itself, such as the daemon of a GSM modem."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit


def send(url: str, subject: str, body: str) -> bool:
    """Append one JSON object a line, `{"subject": …, "body": …}`, to the file of a `file:///…` URL.

    Raises `OSError` where it cannot be written.
    """
    line = json.dumps({"subject": subject, "body": body}, ensure_ascii=False) + "\n"
    with Path(unquote(urlsplit(url).path)).open("a", encoding="utf-8") as file:
        file.write(line)
    return True
