"""Writing: a temporary name in the same folder, then a rename, so that no final name is ever half a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_via(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file (same suffix: some libraries choose the format by it), then rename it."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        write(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` whole or not at all."""
    write_via(path, lambda temporary: _write(temporary, data))


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people and machines; NaN is refused."""
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def write_npy(path: Path, array: NDArray[Any]) -> None:
    """Write a plain array in C order; objects are refused."""

    def save(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)

    write_via(path, save)


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
