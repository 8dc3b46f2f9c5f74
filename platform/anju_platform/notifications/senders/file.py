"""Messages into a file, for a relay that a district runs itself, such as the daemon of a GSM modem."""

from __future__ import annotations

import json
import os
from urllib.parse import unquote, urlsplit


def send(url: str, subject: str, body: str) -> bool:
    """Append one JSON object a line, `{"subject": …, "body": …}`, to the file of a `file:///…` URL.

    Raises `OSError` where it cannot be written.
    """
    line = json.dumps({"subject": subject, "body": body}, ensure_ascii=False) + "\n"
    path = unquote(urlsplit(url).path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(line)
    return True
