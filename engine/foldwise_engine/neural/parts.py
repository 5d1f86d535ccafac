"""A step in two parts, side by side: each takes half of the sequences, forward and back, on a core of its own.

Products of a few sequences are too small to be divided among threads that meet at the end of each of them: dividing the
step instead, they meet once. Which sequences make a part, and the dropout of each, do not depend on how many threads there
are, so neither does the sum of their gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import numpy as np
import torch

from foldwise_engine.neural.plan import Step

PARTS = 2
"""At most, of a step. More would pay on machines with more cores, but answers must not depend on the machine."""

Done = TypeVar("Done")


def divided(step: Step, parts: int) -> list[Step]:
    """By sequences; one that is left alone is a part by itself."""
    sequences = len(step.bars)
    if parts == 1 or sequences == 1:
        return [step]
    half = (sequences + 1) // 2
    behind = int(np.searchsorted(step.picked, half * step.answers))
    return [
        Step(step.bars[:half], step.answers, step.picked[:behind], step.labelled[:behind]),
        Step(step.bars[half:], step.answers, step.picked[behind:] - half * step.answers, step.labelled[behind:]),
    ]


class SideBySide:
    """Does pieces of work at the same time, the first one here; with one thread, one after the other."""

    def __init__(self, threads: int) -> None:
        self._others = ThreadPoolExecutor(PARTS - 1, "part") if threads > 1 else None
        self._before = torch.get_num_threads()

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._others is not None:
            self._others.shutdown()
        torch.set_num_threads(self._before)

    def run(self, work: Sequence[Callable[[], Done]], threads: int) -> list[Done]:
        """Results in the order of `work`; each piece has `threads` threads. Raises the first error, when all have ended."""
        if self._others is None:
            return [_with_threads(piece, threads) for piece in work]
        waiting = [self._others.submit(_with_threads, piece, threads) for piece in work[1:]]
        try:
            first = _with_threads(work[0], threads)
        finally:
            for each in waiting:
                each.exception()
        return [first, *(each.result() for each in waiting)]


def _with_threads(work: Callable[[], Done], threads: int) -> Done:
    if torch.get_num_threads() != threads:  # each thread of Python has a number of its own
        torch.set_num_threads(threads)
    return work()
