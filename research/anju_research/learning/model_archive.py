"""Packs fitted arrays into the archive that `anju_detect.model_store` reads."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused

LARGEST = 2_000_000


def pack_arrays(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return an .npz archive of these arrays; the same arrays give the same bytes.

    Raises
    ------
    ModelRefused
        The archive is larger than `LARGEST` bytes.

    """
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
