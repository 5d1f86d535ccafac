"""Windows of consecutive rows: named by their last row, and never held but a batch at a time.

rows   0 1 2 3 4 │ 5 6 7 8 9      │ a new piece begins
T = 3  - - 2 3 4   - - 7 8 9      end rows; the first T − 1 of a piece have no window
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from foldwise_engine.errors import EngineError

BLOCK_BYTES = 32 * 2**20
"""Of windows that are gathered at a time."""


@dataclass(frozen=True)
class Window:
    """What a fit's windows may hold."""

    length: int
    """T."""
    starts: NDArray[np.int64]
    """First rows of the pieces, ascending; 0 is one."""
    start: int
    end: int
    """Training takes no bar outside of the rows `start` (inclusive) to `end` (exclusive)."""

    def runs(self) -> list[tuple[int, int]]:
        """[first, end) of the training part, one piece each, those too short for a window left out."""
        edges = np.unique(np.clip(np.append(self.starts, self.end), self.start, self.end))
        return [(int(a), int(b)) for a, b in pairwise(edges) if b - a >= self.length]

    def check(self, train: NDArray[np.int32], stop: NDArray[np.int32] | None) -> None:
        """Every row must end a window within one piece, those of `train` within the training part; else `bad_data`."""
        for what, rows, low, high in (("training", train, self.start, self.end), ("stop", stop, 0, None)):
            if rows is None:
                continue
            first = np.maximum(self.starts[np.searchsorted(self.starts, rows, side="right") - 1], low)
            wrong = rows - self.length + 1 < first
            if high is not None:
                wrong |= rows >= high
            if bool(wrong.any()):
                raise EngineError(
                    "bad_data",
                    f"Row {rows[wrong][0]} of the {what} rows has no window of {self.length} rows within one piece"
                    + ("." if high is None else f" and within rows {low} to {high - 1}."),
                )


def piece_starts(piece: NDArray[np.int32] | None) -> NDArray[np.int64]:
    """(N,) numbers of pieces → the rows where another number begins."""
    if piece is None:
        return np.zeros(1, dtype=np.int64)
    return np.concatenate([np.zeros(1, dtype=np.int64), np.flatnonzero(np.diff(piece)) + 1])


def gather(X: NDArray[np.float32], ends: NDArray[np.int32], length: int) -> NDArray[np.float32]:
    """(N, F) and (n,) end rows → (n, T, F), a copy."""
    windows = sliding_window_view(X, length, axis=0).transpose(0, 2, 1)
    taken: NDArray[np.float32] = windows[ends - (length - 1)]
    return taken


def window_blocks(X: NDArray[np.float32], ends: NDArray[np.int32], length: int) -> Iterator[NDArray[np.float32]]:
    """The same, as many at a time as `BLOCK_BYTES` hold."""
    size = max(1, BLOCK_BYTES // (4 * length * X.shape[1]))
    for first in range(0, len(ends), size):
        yield gather(X, ends[first : first + size], length)
