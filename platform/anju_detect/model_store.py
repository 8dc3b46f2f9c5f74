"""Reads the model arrays that this package ships, and checks their hash."""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused


def unpack_arrays(data: bytes, digest: str) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz archive whose SHA-256 must be `digest`.

    Raises
    ------
    ModelRefused
        The bytes have another hash, or are not an archive of arrays.

    """
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise ModelRefused(f"trained arrays have the hash {found}, not {digest}")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ModelRefused(f"trained arrays can't be read: {error}") from error


def load_arrays(kind: str) -> dict[str, NDArray[Any]]:
    """Load the stored arrays of `inactivity` or `fall`, checked against the hash stored beside them."""
    folder = files("anju_detect") / "trained"
    digest = (folder / f"{kind}.sha256").read_text(encoding="ascii").split()[0]
    return unpack_arrays((folder / f"{kind}.npz").read_bytes(), digest)
