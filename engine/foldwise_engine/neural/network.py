"""What the four networks have in common.

    bars (B, S+T−1, F) ──▶ median, scale ──▶ the architecture ──▶ logits (B, S, K)

one for each bar that has T bars up to and with it. S = 1 is one window; S > 1 is a segment, in which every bar is computed
once. All four are causal, so an answer never depends on later bars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foldwise_engine.neural.scaling import Scaling

SMALL = 1_000_000_000
"""Products of a part of a step, forward, below which waking a second thread costs more than dividing the work saves.

Measured on two cores with OMP_WAIT_POLICY=passive, as workers are started: a transformer of d 128 (0.16e9) took 15 ms a step
with one thread and 24 with two, an LSTM of hidden 512 (1.3e9) the same with both.
"""


@dataclass(frozen=True)
class Shape:
    """Of what goes in and comes out."""

    features: int
    """F."""
    classes: int
    """K."""
    seq_len: int
    """T."""


class SequenceNetwork(nn.Module):
    """Imputer and scaler are buffers, so they are part of the native file, of the graph, and of every answer."""

    exact = True
    """Whether a segment's answer equals the window's. If not, what selects or reports uses `sliding`."""
    parts = 1
    """Of a training step on the CPU, computed side by side (see `parts`)."""
    stride = 1024
    """Answers that `sliding` is best asked for at a time."""

    @property
    def answers(self) -> int:
        """Answers of a training segment, S: its first bars serve as context only, so short ones waste more."""
        raise NotImplementedError

    @property
    def lead(self) -> int:
        """Bars that the first answer of a training segment looks back over."""
        return self.shape.seq_len

    median: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        for name, value in (("median", 0.0), ("mean", 0.0), ("scale", 1.0)):
            self.register_buffer(name, torch.full((shape.features,), value))

    @property
    def receptive_field(self) -> int:
        """Bars that the newest answer depends on, at most T."""
        return self.shape.seq_len

    @property
    def parameter_count(self) -> int:
        """Trained numbers."""
        return sum(parameter.numel() for parameter in self.parameters())

    def set_scaling(self, scaling: Scaling) -> None:
        """Take over what was learned of the training rows."""
        for name in ("median", "mean", "scale"):
            getattr(self, name).copy_(torch.from_numpy(getattr(scaling, name)))

    def prepare(self, bars: Tensor) -> Tensor:
        """Missing values filled, then standardised; nothing is clipped."""
        filled = torch.where(torch.isnan(bars), self.median, bars)
        return (filled - self.mean) / self.scale

    def forward(self, bars: Tensor) -> Tensor:
        """(B, S+T−1, F) raw → (B, S, K) logits."""
        return self.answer(self.prepare(bars[:, self.shape.seq_len - self.receptive_field :]))

    def segments(self, bars: Tensor, answers: int) -> Tensor:
        """(B, S+lead−1, F) raw → (B, S, K) logits to train on; of single windows (B, T, F) → (B, 1, K)."""
        del answers  # all that there are
        logits: Tensor = self(bars)
        return logits

    def answer(self, bars: Tensor) -> Tensor:
        """(B, S+R−1, F) prepared, R the receptive field → (B, S, K) logits."""
        raise NotImplementedError

    def step_threads(self, sequences: int, bars: int, threads: int) -> int:
        """How many of the threads a part of a step, of so many sequences of so many bars, is best given."""
        return 1 if self.parameter_count * sequences * bars < SMALL else threads

    def sliding(self, bars: Tensor) -> Tensor:
        """(S+T−1, F) raw → (S, K): for every window within them what the network answers for it alone."""
        return self.forward(bars[None])[0]

    def arrays(self) -> Callable[[str], NDArray[np.float32]]:
        """Weights by name, as the graph needs them."""
        held = {name: value.detach().cpu().numpy() for name, value in self.state_dict().items()}
        return lambda name: held[name]
