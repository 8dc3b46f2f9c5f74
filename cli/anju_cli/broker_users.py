"""The files that say who may sign in at a broker: a password file as Mosquitto reads it, and each user's password.

Standard library alone: `deploy/prepare` uses it before anything is installed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

ITERATIONS = 1
"""PBKDF2-HMAC-SHA512. A slow hash protects passwords that can be guessed; these are 256 random bits. It would let any
stranger who says a home's name keep the broker, which has one thread, from everybody else."""
_MOST_ITERATIONS = 1_000_000
_SALT_BYTES = 12  # the length that every Mosquitto 2 reads
_FIELDS = 5


def make_password() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def hash_password(password: str) -> str:
    """Return a hash in the form of Mosquitto's password file: `$7$<iterations>$<salt>$<PBKDF2-HMAC-SHA512>`."""
    salt = os.urandom(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return "$".join(["", "7", str(ITERATIONS), base64.b64encode(salt).decode(), base64.b64encode(digest).decode()])


def verify_password(password: str, stored: str) -> bool:
    """Return whether a password has this hash; False for a hash of another form."""
    parts = stored.split("$")
    if len(parts) != _FIELDS or parts[:2] != ["", "7"] or not parts[2].isdecimal():
        return False
    rounds = int(parts[2])
    try:
        salt, wanted = base64.b64decode(parts[3], validate=True), base64.b64decode(parts[4], validate=True)
    except binascii.Error:
        return False
    if not 1 <= rounds <= _MOST_ITERATIONS:
        return False
    return hmac.compare_digest(hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds), wanted)


def read_hashes(path: Path) -> dict[str, str]:
    """Return the hashes in a password file by user; none where there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {user: kept for user, _, kept in (line.partition(":") for line in lines) if user and kept}


def ensure_password(folder: Path, name: str) -> str:
    """Return the password in `<folder>/<name>.password`, which is made where there is none."""
    path = folder / f"{name}.password"
    if not path.exists():
        write_secret(path, make_password())
    return path.read_text(encoding="utf-8").strip()


def write_password_file(path: Path, passwords: Mapping[str, str], *, mode: int = 0o600) -> None:
    """Write a password file with the hashes of these passwords by user."""
    write_for_broker(path, "".join(f"{user}:{hash_password(word)}\n" for user, word in passwords.items()), mode=mode)


def write_rules(path: Path, shipped: Path, more: Iterable[str], *, mode: int = 0o600) -> None:
    """Write a file of rules: those that are shipped, then more lines."""
    write_for_broker(path, shipped.read_text(encoding="utf-8") + "".join(f"{line}\n" for line in more), mode=mode)


def write_for_broker(path: Path, text: str, *, mode: int) -> None:
    """Write a file that a broker reads, in its place: a container has mounted that very file.

    `mode` is 0644 where the broker is another user; the folder is 0700.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(mode)


def write_secret(path: Path, text: str) -> None:
    """Write a new file that only its owner may read, from its first byte on; raises `FileExistsError`."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
