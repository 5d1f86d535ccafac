"""Which bars a step takes: segments of consecutive rows, or windows; never more than a batch of them in memory.

piece   ├──────────────────────────────────────┤
        ├── T−1 ──┤├── S ──┤                      a segment: S + T − 1 rows in, S answers
                  ├── T−1 ──┤├── S ──┤            the next
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldwise_engine.data import Floats, Windows, run_starts

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Rows (B, L) to gather; for each of the (B, S) answers the position of its training row, −1: no loss."""

    rows: Ints
    positions: Ints


def runs_of(windows: Windows) -> list[tuple[int, int]]:
    """Unbroken stretches of one piece within the rows that training may take: (first, one past the last)."""
    starts = np.maximum(run_starts(windows.piece)[windows.start : windows.end], windows.start)
    firsts = np.unique(starts)
    lasts = [*firsts[1:].tolist(), windows.end]
    return list(zip(firsts.tolist(), lasts, strict=True))


class Segments:
    """The training rows' segments, cut anew in every epoch at a random phase."""

    def __init__(self, windows: Windows, rows: NDArray[np.int32], answers: int, per_step: int) -> None:
        self._T, self._S, self._per_step = windows.length, answers, per_step
        self._runs = [(a, b) for a, b in runs_of(windows) if b - a >= windows.length]
        self._position = np.full(len(windows.piece), -1, np.int64)
        self._position[rows] = np.arange(len(rows))

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Batches that meet every training row once, in a random order."""
        T, S = self._T, self._S
        first: list[int] = []
        end: list[int] = []
        for a, b in self._runs:
            phase = int(rng.integers(S))
            at = np.arange(a - phase, b - T + 1, S)
            first += at.tolist()
            end += [b] * len(at)
        starts, ends = np.array(first), np.array(end)
        order = rng.permutation(len(starts))
        for i in range(0, len(order), self._per_step):
            some = order[i : i + self._per_step]
            batch = self._batch(starts[some], ends[some])
            if np.any(batch.positions >= 0):
                yield batch

    def _batch(self, starts: Ints, ends: Ints) -> Batch:
        """Rows before a run repeat its first, rows beyond it its last; neither has an answer of its own.

        A causal network's answers do not depend on what comes later, and those that would depend on what comes before the
        run are the ones that have no full window.
        """
        T, S = self._T, self._S
        begins = np.array([a for a, _ in self._runs])
        a = begins[np.searchsorted(begins, ends - 1, side="right") - 1]
        rows = starts[:, None] + np.arange(S + T - 1)
        answered = rows[:, T - 1 :]
        inside = (answered >= a[:, None] + T - 1) & (answered < ends[:, None])
        clipped = np.clip(rows, a[:, None], ends[:, None] - 1)
        positions = np.where(inside, self._position[clipped[:, T - 1 :]], -1)
        return Batch(clipped, positions)


class WindowBatches:
    """Every training window by itself: the plain way, which dense training is compared with."""

    def __init__(self, windows: Windows, rows: NDArray[np.int32], per_step: int) -> None:
        self._T, self._rows, self._per_step = windows.length, rows.astype(np.int64), per_step

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Batches of windows, each once, in a random order."""
        order = rng.permutation(len(self._rows))
        for i in range(0, len(order), self._per_step):
            some = order[i : i + self._per_step]
            yield Batch(self._rows[some][:, None] + np.arange(1 - self._T, 1), some[:, None])


def stretches(ends: Ints, piece: NDArray[np.int32], T: int, S: int) -> Iterator[tuple[Ints, Ints]]:
    """For a network whose dense answers are windows': (S+T−1 rows, positions in `ends` of the S answers, −1: not asked).

    Stretches lie within a piece, over whatever rows the windows reach back to.
    """
    starts = run_starts(piece)
    order = np.argsort(ends, kind="stable")
    i = 0
    while i < len(order):
        first = int(ends[order[i]])
        positions = np.full(S, -1, np.int64)
        while i < len(order):
            at = int(ends[order[i]])
            if at - first >= S or starts[at] != starts[first]:
                break
            positions[at - first] = order[i]
            last = at
            i += 1
        rows = np.minimum(first - T + 1 + np.arange(S + T - 1), last)
        yield rows, positions


def gathered(X: Floats, rows: Ints) -> Floats:
    """(B, L) row numbers → (B, L, F)."""
    return X[rows]
