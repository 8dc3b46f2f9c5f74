"""The trained arrays inside this package: compressed, named by kind, and proven by their hash."""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused

LARGEST = 2_000_000


def pack_arrays(arrays: dict[str, NDArray[Any]]) -> bytes:
    """An .npz of these arrays; the same arrays give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(arrays[name]), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (2000, 1, 1, 0, 0, 0)), member.getvalue(), zipfile.ZIP_DEFLATED
            )
    data = out.getvalue()
    if len(data) > LARGEST:
        raise ModelRefused(f"{len(data)} bytes of trained arrays are more than the {LARGEST} that may be shipped")
    return data


def unpack_arrays(data: bytes, digest: str) -> dict[str, NDArray[Any]]:
    """The inverse of `pack_arrays`, once the bytes have this SHA-256.

    Raises
    ------
    ModelRefused
        The bytes have another hash, or are no archive of arrays.

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
    """The arrays shipped for `inactivity` or `fall`, checked against the hash shipped beside them."""
    folder = files("anju_detect") / "trained"
    digest = (folder / f"{kind}.sha256").read_text(encoding="ascii").split()[0]
    return unpack_arrays((folder / f"{kind}.npz").read_bytes(), digest)
