"""Logits of true windows: what selects, what is reported, what is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from foldwise_engine.data import Floats, Rows
from foldwise_engine.neural.bars import Bars
from foldwise_engine.neural.network import SequenceNetwork
from foldwise_engine.neural.parts import PARTS, SideBySide

WINDOWS = 256
"""Answered at a time where they do not overlap."""


@torch.inference_mode()
def answer_rows(network: SequenceNetwork, bars: Bars, ends: Rows, check: Callable[[], None], threads: int) -> Floats:
    """(n,) end rows → (n, K) logits. Neighbours share their bars' work where that pays.

    On the CPU two pieces of it are done side by side.
    """
    network.eval()
    T, K = network.shape.seq_len, network.shape.classes
    out = np.empty((len(ends), K), dtype=np.float32)
    order = np.argsort(ends, kind="stable")
    ascending = ends[order].astype(np.int64)
    # Of an exact network a window costs its receptive field in bars, of the others each window costs the same.
    worth = 1 / network.receptive_field if network.exact else 0.6
    apart: list[NDArray[np.int64]] = []
    spans: list[tuple[int, int]] = []
    for first, behind in _chunks(ascending, network.stride):
        low, high = int(ascending[first]), int(ascending[behind - 1])
        if behind - first < worth * (high - low + 1):
            apart.append(np.arange(first, behind))
        else:
            spans.append((first, behind))

    def answer(first: int, behind: int) -> None:
        low, high = int(ascending[first]), int(ascending[behind - 1])
        with torch.inference_mode():  # each thread of Python has its own
            logits = network.sliding(bars.span(low - T + 1, high + 1)).float().cpu().numpy()
        out[order[first:behind]] = logits[ascending[first:behind] - low]

    def answer_apart(rows: NDArray[np.int64]) -> None:
        with torch.inference_mode():
            windows = bars.take(ascending[rows, None] + np.arange(1 - T, 1))
            out[order[rows]] = network(windows)[:, 0].float().cpu().numpy()

    alone = np.concatenate(apart) if apart else np.empty(0, dtype=np.int64)
    blocks = [alone[start : start + WINDOWS] for start in range(0, len(alone), WINDOWS)]
    work = [partial(answer, *span) for span in spans] + [partial(answer_apart, block) for block in blocks]
    parts = PARTS if bars.device.type == "cpu" else 1
    with SideBySide(threads if parts > 1 else 1) as together:
        for at in range(0, len(work), parts):
            check()
            together.run(work[at : at + parts], max(1, threads // parts))
    return out


@torch.inference_mode()
def answer_windows(network: SequenceNetwork, windows: Floats) -> Floats:
    """(n, T, F) → (n, K) logits."""
    network.eval()
    device = network.mean.device
    blocks = [windows[start : start + WINDOWS] for start in range(0, len(windows), WINDOWS)]
    logits = [network(torch.from_numpy(block).to(device))[:, 0].float().cpu().numpy() for block in blocks]
    return np.concatenate(logits) if logits else np.empty((0, network.shape.classes), dtype=np.float32)


def _chunks(ascending: NDArray[np.int64], span: int) -> Iterator[tuple[int, int]]:
    """Positions [first, behind) whose rows lie within `span` rows."""
    first = 0
    while first < len(ascending):
        behind = int(np.searchsorted(ascending, ascending[first] + span, side="left"))
        yield first, behind
        first = behind


def log_loss(logits: Floats, y: NDArray[np.int32]) -> float:
    """Unweighted, in double."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return float((np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(y)), y]).mean())


def softmax(logits: Floats) -> Floats:
    """(n, K) logits → probabilities."""
    shares: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares
