"""Dropout on the CPU at a quarter of torch's cost, which there is a fifth of a step: four shares of one 64-bit draw."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 65_536
"""Of the 16 bits that decide for one value: the share is rounded to their multiple."""

_chance = threading.local()


@contextmanager
def drawn_from(generator: torch.Generator) -> Iterator[None]:
    """Within it, dropout on this thread draws from `generator`: threads that draw from one would do so in any order."""
    before = getattr(_chance, "generator", None)
    _chance.generator = generator
    try:
        yield
    finally:
        _chance.generator = before


def dropout(x: Tensor, share: float, training: bool) -> Tensor:
    """Zeros in `share` of the places and the rest scaled up, so that the mean stays.

    On the CPU `drawn_from` decides where, without it and on a GPU torch's seed.
    """
    if not training or share == 0:
        return x
    if x.is_cuda:
        return functional.dropout(x, share, training)
    lost = min(round(share * LEVELS), LEVELS - 1)
    if lost == 0:
        return x
    generator: torch.Generator | None = getattr(_chance, "generator", None)
    bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None, generator=generator)
    kept = bits.view(torch.int16)[: x.numel()].view(x.shape) >= lost - LEVELS // 2
    return x * kept.to(x.dtype).mul_(LEVELS / (LEVELS - lost))


class Dropout(nn.Module):
    """The same as a module."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return dropout(x, self.share, self.training)
