"""The dataset store seen from Python: memory-mapped arrays, row numbers, and labels as class codes."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise_engine.errors import EngineError
from foldwise_engine.protocol import FitWindow
from foldwise_engine.windows import Window, piece_starts

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]

BLOCK = 8192
"""Rows handled at a time where a copy cannot be avoided."""


def open_array(path: str | Path, dtype: type[np.generic], ndim: int) -> NDArray[Any]:
    """Memory-map a .npy file of exactly this type and rank; nothing in it is ever unpickled."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EngineError("bad_data", f"{path} cannot be read as a .npy file: {error}") from error
    if array.dtype != np.dtype(dtype) or array.ndim != ndim or not array.flags.c_contiguous:
        raise EngineError(
            "bad_data",
            f"{path} holds {array.dtype} of shape {array.shape}; "
            f"expected {np.dtype(dtype)} with {ndim} dimension(s) in C order.",
        )
    return np.asarray(array)  # a plain view of the map: np.memmap's own indexing is slow and its type leaks


def open_rows(path: str, total: int) -> Rows:
    """Row numbers in [0, total), at least one."""
    rows: Rows = np.array(open_array(path, np.int32, 1))
    if rows.size == 0:
        raise EngineError("bad_data", f"{path} names no rows.")
    low, high = int(rows.min()), int(rows.max())
    if low < 0 or high >= total:
        raise EngineError("bad_data", f"{path} names rows {low} to {high}; the dataset has rows 0 to {total - 1}.")
    return rows


@dataclass(frozen=True)
class Selection:
    """Some rows of a feature matrix, copied only where and when their numbers have holes."""

    X: Floats
    """The whole matrix (N, F), memory-mapped."""
    rows: Rows
    origin: str
    """Which file, in which state: equal origins hold equal values."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def features(self) -> int:
        """F, the number of columns."""
        return int(self.X.shape[1])

    @cached_property
    def key(self) -> tuple[str, str]:
        """Equal for equal values: the matrix file and the rows' contents, whatever file named them."""
        return (self.origin, hashlib.sha256(self.rows.tobytes()).hexdigest())

    def take(self) -> Floats:
        """(n, F): a view where the rows are consecutive, else a copy."""
        return self._slice(0, len(self.rows))

    def blocks(self, size: int = BLOCK) -> Iterator[Floats]:
        """The same in pieces; only those with holes are copied, one at a time."""
        for start in range(0, len(self.rows), size):
            yield self._slice(start, min(start + size, len(self.rows)))

    def release(self) -> None:
        """Let go of the map's pages in memory, for an engine that has a copy of its own; they are read again when used."""
        base: Any = self.X
        while base is not None and not isinstance(base, mmap.mmap):
            base = getattr(base, "base", None)
        if base is not None and hasattr(mmap, "MADV_DONTNEED"):
            base.madvise(mmap.MADV_DONTNEED)

    def _slice(self, start: int, end: int) -> Floats:
        rows = self.rows[start:end]
        first = int(rows[0])
        if int(rows[-1]) - first == len(rows) - 1 and bool(np.all(np.diff(rows) == 1)):
            return self.X[first : first + len(rows)]
        return self.X[rows]


def open_features(path: Path) -> tuple[Floats, str]:
    """The matrix (N, F) and its origin (see `Selection`)."""
    X = open_array(path, np.float32, 2)
    if X.shape[1] == 0:
        raise EngineError("bad_data", f"{path} has no feature columns.")
    real = os.path.realpath(path)
    state = os.stat(real)
    return X, f"{real}:{state.st_dev}:{state.st_ino}:{state.st_size}:{state.st_mtime_ns}"


@dataclass(frozen=True)
class Steps:
    """Positions among the training rows, ascending: what the model is fitted on, and what makes its probabilities."""

    fit: NDArray[np.intp]
    probability: NDArray[np.intp]


@dataclass(frozen=True)
class FitData:
    """What one fit learns from. Codes 0…K−1 number `classes`, the labels that the training rows hold."""

    train: Selection
    y: NDArray[np.int32]
    """(n,) class codes of the training rows."""
    weights: Floats | None
    """(n,), > 0; None: every row weighs 1."""
    stop: Selection | None
    y_stop: NDArray[np.int32] | None
    classes: tuple[int, ...]
    """Ascending, at least two of −1, 0, 1."""
    steps: Steps | None = None
    """Where the request parts the training rows."""
    window: Window | None = None
    """Where it stands, rows are the last bars of windows."""


def open_fit_data(
    dataset: str,
    horizon: int,
    train: str,
    stop: str | None,
    weights: str | None,
    steps: tuple[str, str] | None = None,
    window: FitWindow | None = None,
) -> FitData:
    """Open and check everything that a fit request names; raises `bad_data`."""
    X, origin = open_features(Path(dataset) / "X.npy")
    labels = open_array(Path(dataset) / f"y_h{horizon}.npy", np.int8, 1)
    if len(labels) != len(X):
        raise EngineError("bad_data", f"{dataset} has {len(X)} rows of features and {len(labels)} labels.")
    selection = Selection(X, open_rows(train, len(X)), origin)
    y = _labels_of(labels, selection.rows, "training")
    classes = tuple(int(label) for label in np.unique(y))
    if len(classes) < 2:
        raise EngineError(
            "bad_data",
            f"The {len(y)} training rows hold only class {classes[0]}; at least two classes are needed.",
            "Use more rows, another horizon or other barriers (label.k).",
        )
    stopping, y_stop = None, None
    if stop is not None:
        stopping = Selection(X, open_rows(stop, len(X)), origin)
        raw = _labels_of(labels, stopping.rows, "stop")
        absent = sorted({int(label) for label in np.unique(raw)} - set(classes))
        if absent:
            raise EngineError("bad_data", f"The stop rows hold classes {absent} that the training rows lack.")
        y_stop = np.searchsorted(classes, raw).astype(np.int32)
    codes = np.searchsorted(classes, y).astype(np.int32)
    parts = None if steps is None else Steps(*(_positions(path, selection.rows) for path in steps))
    frame = None if window is None else _window(window, selection.rows, None if stopping is None else stopping.rows, len(X))
    return FitData(selection, codes, _weights(weights, len(y)), stopping, y_stop, classes, parts, frame)


def _window(window: FitWindow, train: Rows, stop: Rows | None, total: int) -> Window:
    piece = None if window.piece is None else open_array(window.piece, np.int32, 1)
    if piece is not None and len(piece) != total:
        raise EngineError("bad_data", f"{window.piece} holds {len(piece)} numbers for {total} rows.")
    frame = Window(window.length, piece_starts(piece), window.start, min(window.end, total))
    frame.check(train, stop)
    return frame


def _positions(path: str, train: Rows) -> NDArray[np.intp]:
    """Where the rows that a file names stand among the training rows, in their order there."""
    rows: Rows = np.array(open_array(path, np.int32, 1))
    positions: NDArray[np.intp] = np.flatnonzero(np.isin(train, rows))
    if rows.size == 0 or len(positions) != len(rows):
        raise EngineError("bad_data", f"{path} names {rows.size} rows, {len(positions)} of them among the training rows.")
    return positions


def _labels_of(labels: NDArray[np.int8], rows: Rows, what: str) -> NDArray[np.int8]:
    y: NDArray[np.int8] = labels[rows]
    wrong = np.flatnonzero((y < -1) | (y > 1))
    if wrong.size:
        row = int(rows[wrong[0]])
        raise EngineError("bad_data", f"Row {row} of the {what} rows has label {y[wrong[0]]}; allowed are -1, 0, 1.")
    return y


def _weights(path: str | None, expected: int) -> Floats | None:
    if path is None:
        return None
    weights: Floats = np.array(open_array(path, np.float32, 1))
    if len(weights) != expected:
        raise EngineError("bad_data", f"{path} holds {len(weights)} weights for {expected} training rows.")
    if not bool(np.all(np.isfinite(weights) & (weights > 0))):
        raise EngineError("bad_data", f"{path} holds weights that are not finite and above 0.")
    return weights


def widen(probabilities: NDArray[np.floating[Any]], classes: tuple[int, ...]) -> Floats:
    """(n, K) in the order of `classes` → float32 (n, 3) in the order −1, 0, 1; an absent class is exactly zero."""
    wide = np.zeros((len(probabilities), 3), dtype=np.float32)
    wide[:, [label + 1 for label in classes]] = probabilities
    return wide
