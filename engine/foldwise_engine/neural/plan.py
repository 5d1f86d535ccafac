"""Which bars a training step takes, and which of its answers are labelled.

    a run of one piece  │ . . . . a b c d e f g h i j k │      T − 1 = 4 bars without a window, then 11 outputs
    phase 2, S = 4        [. . . .|a b]- -                     only a, b count; bars behind them fill the segment
                              [. . a b|c d e f]
                                      [c d e f|g h i j]
                                              [g h i j|k]* * * the run's last bar repeated; nothing looks at it

Every epoch has another phase and order, and visits every labelled row exactly once. A segment never leaves its run, which
is one piece within the training part.

The first answer of a segment looks back over `lead` bars, the last over lead + S − 1. A network whose answer depends on T
bars and no more gets lead = T, as in the drawing. One that remembers all of its segment gets less, so that its answers are
trained on memories about as long as the windows on which it is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foldwise_engine.data import Rows
from foldwise_engine.windows import Window

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Step:
    """One step of the optimiser."""

    bars: Index
    """(B, S+lead−1) row numbers."""
    answers: int
    """S: of a sequence, those of its last bars."""
    picked: Index
    """(m,) flat positions among the B × S answers that take a loss."""
    labelled: Index
    """(m,) their positions among the training rows."""


class Plan(Protocol):
    """An epoch's steps."""

    def epoch(self, random: np.random.Generator) -> Iterator[Step]:
        """All training rows once, in an order of its own."""
        ...


class Windowed:
    """Every window by itself: the reference."""

    def __init__(self, train: Rows, length: int, batch_size: int) -> None:
        self._train = train.astype(np.int64)
        self._reach = np.arange(1 - length, 1)
        self._steps = max(1, round(len(train) / batch_size))

    def epoch(self, random: np.random.Generator) -> Iterator[Step]:
        """See `Plan`."""
        for labelled in np.array_split(random.permutation(len(self._train)), self._steps):
            if len(labelled):
                yield Step(self._train[labelled, None] + self._reach, 1, np.arange(len(labelled)), labelled)


class Dense:
    """Segments of `answers` + `lead` − 1 bars, lead at most T; a step holds about `batch_size` labelled answers."""

    def __init__(self, window: Window, train: Rows, batch_size: int, answers: int, lead: int) -> None:
        self._length, self._lead, self._answers, self._batch_size = window.length, lead, answers, batch_size
        self._start = window.start
        self._runs = window.runs()
        self._position = np.full(window.end - window.start, -1, dtype=np.int64)
        self._position[train - window.start] = np.arange(len(train))
        self._before = np.concatenate([[0], np.cumsum(self._position >= 0)])

    def epoch(self, random: np.random.Generator) -> Iterator[Step]:
        """See `Plan`."""
        segments = self._segments(random)
        labelled = self._before[segments[:, 1] - self._start] - self._before[segments[:, 0] - self._start]
        segments, labelled = segments[labelled > 0], labelled[labelled > 0]
        order = random.permutation(len(segments))
        segments, labelled = segments[order], labelled[order]
        total = int(labelled.sum())
        steps = max(1, round(total / self._batch_size))
        middle = np.cumsum(labelled) - labelled / 2
        step = np.minimum((middle * steps / total).astype(np.int64), steps - 1)
        for part in np.split(segments, np.flatnonzero(np.diff(step)) + 1):
            yield self._step(part)

    def _segments(self, random: np.random.Generator) -> Index:
        """(n, 3): first answered row, the row behind the last answered one, the row behind the run."""
        parts = []
        for first, end in self._runs:
            head = first + self._length - 1
            cuts = np.arange(head + int(random.integers(self._answers)), end, self._answers)
            cuts = np.unique(np.concatenate([[head], cuts, [end]]))
            parts.append(np.column_stack([cuts[:-1], cuts[1:], np.full(len(cuts) - 1, end)]))
        return np.concatenate(parts)

    def _step(self, segments: Index) -> Step:
        first, behind, end = (column[:, None] for column in segments.T)
        bars = np.minimum(first + np.arange(1 - self._lead, self._answers), end - 1)
        answered = first + np.arange(self._answers)
        position = np.where(answered < behind, self._position[np.minimum(answered, end - 1) - self._start], -1).ravel()
        picked = np.flatnonzero(position >= 0)
        return Step(bars, self._answers, picked, position[picked])
