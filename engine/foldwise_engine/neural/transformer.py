"""Transformer encoder (Vaswani et al. 2017) with causal banded attention, so that it can be trained on segments.

Pre-norm (Xiong et al. 2020); positions are relative: a learned bias for each head and each distance (Raffel et al. 2020).
A bar attends to itself and the W − 1 bars before it. With L layers of W = ⌊(T−1)/L⌋ + 1 an answer depends on at most T bars.
Like a valid convolution, each layer answers only for bars that have their whole band, so nothing is padded or masked at the
front, and a segment's answer is the window's:

    bars        S + L (W−1) ──▶ layer ──▶ S + (L−1)(W−1) ──▶ … ──▶ S answers
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from foldwise_engine.neural.dropout import dropout
from foldwise_engine.neural.network import SequenceNetwork, Shape
from foldwise_engine.neural.parts import PARTS

CHUNK = 32
"""Queries that share their keys: a chunk of C queries meets C + W − 1 keys, of which W are each one's own."""


class Layer(nn.Module):
    """(B, L, D) → (B, L − W + 1, D)."""

    def __init__(self, d_model: int, nhead: int, dim_feedforward: int, dropout: float, band: int) -> None:
        super().__init__()
        self.nhead, self.band, self.share = nhead, band, dropout
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.query = nn.Linear(d_model, d_model)
        self.key_value = nn.Linear(d_model, 2 * d_model)
        self.out = nn.Linear(d_model, d_model)
        self.inner = nn.Linear(d_model, dim_feedforward)
        self.outer = nn.Linear(dim_feedforward, d_model)
        self.bias = nn.Parameter(torch.zeros(nhead, band))
        """(heads, W): of distance 0, 1, …"""

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        normed, kept = self.norm1(x), x[:, self.band - 1 :]
        x = kept + self._drop(self.out(self._attend(normed)))
        inner = self._drop(functional.gelu(self.inner(self.norm2(x))))
        return x + self._drop(self.outer(inner))

    def _attend(self, x: Tensor) -> Tensor:
        """(B, L, D) normed → (B, L − W + 1, D), by chunks of queries."""
        B, L, D = x.shape
        H, W, size = self.nhead, self.band, D // self.nhead
        answers = L - W + 1
        chunk = min(CHUNK, answers)
        chunks = -(-answers // chunk)
        # The last chunk's missing bars are zeros behind the end: queries nobody reads, keys that only those may see.
        padded = functional.pad(x, (0, 0, 0, chunks * chunk - answers))
        q = self.query(padded[:, W - 1 :]).view(B, chunks, chunk, H, size).transpose(2, 3)
        keyed = self.key_value(padded).view(B, -1, 2, H, size)
        windows = keyed.unfold(1, chunk + W - 1, chunk)  # (B, chunks, 2, H, size, chunk + W − 1), a view
        k, v = windows.unbind(2)
        scores = (q / math.sqrt(size)) @ k + self._biases(chunk)
        shares = dropout(torch.softmax(scores, dim=-1), self.share, self.training)
        mixed = (shares @ v.transpose(-1, -2)).transpose(2, 3)
        joined: Tensor = mixed.reshape(B, chunks * chunk, D)[:, :answers]
        return joined

    def _biases(self, chunk: int) -> Tensor:
        """(heads, C, C + W − 1): the bias of the distance, −∞ outside of the band."""
        distance = torch.arange(chunk, device=self.bias.device)[:, None] + self.band - 1
        distance = distance - torch.arange(chunk + self.band - 1, device=self.bias.device)
        outside = (distance < 0) | (distance >= self.band)
        biases = self.bias.index_select(1, distance.clamp(0, self.band - 1).view(-1)).view(self.nhead, chunk, -1)
        masked: Tensor = biases.masked_fill(outside, -math.inf)
        return masked

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.share, self.training)


class Transformer(SequenceNetwork):
    """Projection of a bar, layers, final norm, linear head on each answered bar."""

    parts = PARTS

    def __init__(
        self, shape: Shape, d_model: int, nhead: int, num_layers: int, dim_feedforward: int, dropout: float
    ) -> None:
        super().__init__(shape)
        self.band = (shape.seq_len - 1) // num_layers + 1
        self.project = nn.Linear(shape.features, d_model)
        self.layers = nn.ModuleList(Layer(d_model, nhead, dim_feedforward, dropout, self.band) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, shape.classes)

    @property
    def answers(self) -> int:
        """Half of T, at least a chunk: of T = 60 a step of 256 holds eight segments.

        Of 128 answers it would hold two, whose windows are neighbours: a third faster, and a little worse on made-up data
        (`bench/RESULTS.md`). Long windows were not measured.
        """
        return max(CHUNK, -(-self.shape.seq_len // 2))

    @property
    def receptive_field(self) -> int:
        """1 + L (W − 1)."""
        return 1 + len(self.layers) * (self.band - 1)

    def answer(self, bars: Tensor) -> Tensor:
        """(B, S+R−1, F) prepared → (B, S, K)."""
        x = self.project(bars)
        for layer in self.layers:
            x = layer(x)
        answers: Tensor = self.head(self.norm(x))
        return answers
