"""Temporal convolutional network (Bai, Kolter and Koltun 2018): residual blocks of two dilated causal convolutions.

The convolutions are valid, not padded: each takes (k − 1) · d bars off the front, and what is left at the end is one answer
for each bar that has the receptive field behind it. So a segment's answer is the window's. Weights are normalised (Salimans
and Kingma 2016).
A bar's values lie side by side throughout, so that a convolution is one product with the bars it reads laid side by side
too: on the CPU torch's own reorders its operands on each call, and a step took a seventh longer by it.

    k = 3, T = 60   dilations 1 2 4 7, receptive field 1 + 2 · 2 · 14 = 57 bars
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foldwise_engine.neural.dropout import Dropout
from foldwise_engine.neural.network import SequenceNetwork, Shape


def depth(seq_len: int, kernel_size: int) -> tuple[int, list[int]]:
    """(kernel, a dilation a block): as far back as fits into the window, doubling, the last one shortened.

    A window too short for one block of that kernel gets a shorter kernel; one bar a kernel of one.
    """
    kernel = min(kernel_size, 1 + (seq_len - 1) // 2)
    if kernel == 1:
        return 1, [1]
    left, dilations = (seq_len - 1) // (2 * (kernel - 1)), [1]
    left -= 1
    while left > 0:
        dilations.append(min(2 * dilations[-1], left))
        left -= dilations[-1]
    return kernel, dilations


class Convolution(nn.Module):
    """Valid, with normalised weights: each output channel has a direction and a length of its own.

    Written out: torch's own parametrisation computes with the weights as soon as it is made, also where there are none.
    """

    def __init__(self, inputs: int, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        plain = nn.Conv1d(inputs, channels, kernel)
        self.dilation = dilation
        self.direction, self.bias = plain.weight, plain.bias
        self.length = nn.Parameter(torch.empty(channels, 1, 1))
        if not self.length.is_meta:  # where only shapes are asked for, torch's arithmetic would import torch's compiler
            self.length.data.copy_(_length(plain.weight.detach()))

    @property
    def weight(self) -> Tensor:
        """(C', C, k)."""
        return self.direction * (self.length / _length(self.direction))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) → (B, L − (k − 1) d, C')."""
        weight = self.weight
        outputs, _, kernel = weight.shape
        answers = x.shape[1] - (kernel - 1) * self.dilation
        taps = torch.cat([x[:, i * self.dilation : i * self.dilation + answers] for i in range(kernel)], dim=2)
        return functional.linear(taps, weight.transpose(1, 2).reshape(outputs, -1), self.bias)


def _length(weight: Tensor) -> Tensor:
    return weight.square().sum(dim=(1, 2), keepdim=True).sqrt()


class Block(nn.Module):
    """(B, L, C) → (B, L − 2 (k − 1) d, C')."""

    def __init__(self, inputs: int, channels: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.lost = 2 * (kernel - 1) * dilation
        self.first = Convolution(inputs, channels, kernel, dilation)
        self.second = Convolution(channels, channels, kernel, dilation)
        self.match = nn.Conv1d(inputs, channels, 1) if inputs != channels else None
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        inner = self.dropout(functional.relu(self.first(x)))
        inner = self.dropout(functional.relu(self.second(inner)))
        kept = x[:, self.lost :]
        if self.match is not None:
            kept = functional.linear(kept, self.match.weight[:, :, 0], self.match.bias)
        return functional.relu(inner + kept)


class Tcn(SequenceNetwork):
    """Blocks and a linear head."""

    def __init__(self, shape: Shape, channels: int, kernel_size: int, dropout: float) -> None:
        super().__init__(shape)
        kernel, dilations = depth(shape.seq_len, kernel_size)
        widths = [shape.features] + [channels] * len(dilations)
        self.blocks = nn.ModuleList(
            Block(widths[i], channels, kernel, dilation, dropout) for i, dilation in enumerate(dilations)
        )
        self.head = nn.Linear(channels, shape.classes)

    @property
    def answers(self) -> int:
        """A whole step's by default: for T = 60 a bar is computed 1.22 times, with 128 it was 1.43, and no better for it."""
        return max(256, self.shape.seq_len)

    @property
    def receptive_field(self) -> int:
        """1 + 2 (k − 1) Σ d."""
        return 1 + sum(block.lost for block in self.stack())

    def stack(self) -> list[Block]:
        """The blocks, typed."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def answer(self, bars: Tensor) -> Tensor:
        """(B, S+R−1, F) prepared → (B, S, K)."""
        x = bars
        for block in self.blocks:
            x = block(x)
        answers: Tensor = self.head(x)
        return answers
