"""Four causal networks. All take raw features and answer logits.

dense   (B, L, F) ──▶ (B, L−T+1, K): the answers of the bars that have T−1 bars before them
window  (n, T, F) ──▶ (n, K): the newest bar's

For tcn and transformer both are the same function of the last `receptive_field` ≤ T bars. A recurrent network carries state
through a segment, so its dense answers, made for training only, know a little more than T bars.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from foldwise_engine.errors import EngineError
from foldwise_engine.neural.settings import RecurrentParams, TcnParams, TransformerParams


class Network(nn.Module, ABC):
    """What the loop, the native file and the export know of a network."""

    exact: bool
    """Dense answers are those of windows."""
    receptive_field: int

    def __init__(self, features: int, seq_len: int) -> None:
        super().__init__()
        self.seq_len = seq_len
        self.median: Tensor
        self.mean: Tensor
        self.scale: Tensor
        for name, value in (("median", 0.0), ("mean", 0.0), ("scale", 1.0)):
            self.register_buffer(name, torch.full((features,), value))

    def normalise(self, median: NDArray[Any], mean: NDArray[Any], scale: NDArray[Any]) -> None:
        """Fix what is done to a feature before the first layer: NaN → median, then (x − mean) / scale."""
        for name, values in (("median", median), ("mean", mean), ("scale", scale)):
            getattr(self, name).copy_(torch.from_numpy(np.asarray(values, dtype=np.float32)))

    def standardised(self, x: Tensor) -> Tensor:
        """(…, F) raw → imputed and scaled."""
        return (torch.where(torch.isnan(x), self.median, x) - self.mean) / self.scale

    @abstractmethod
    def dense(self, x: Tensor) -> Tensor:
        """See the module."""

    @abstractmethod
    def window(self, x: Tensor) -> Tensor:
        """See the module."""


class Recurrent(Network):
    """Stacked LSTM (Hochreiter and Schmidhuber, 1997) or GRU (Cho et al., 2014); a linear head on the last layer's state."""

    exact = False

    def __init__(self, kind: str, params: RecurrentParams, features: int, classes: int, seq_len: int) -> None:
        super().__init__(features, seq_len)
        self.receptive_field = seq_len
        make = nn.LSTM if kind == "lstm" else nn.GRU
        between = params.dropout if params.num_layers > 1 else 0.0
        self.cells = make(features, params.hidden_size, params.num_layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(params.dropout)
        self.head = nn.Linear(params.hidden_size, classes)

    def dense(self, x: Tensor) -> Tensor:
        """The first T−1 answers are left out: their state has not seen T bars."""
        states, _ = self.cells(self.standardised(x))
        answers: Tensor = self.head(self.dropout(states[:, self.seq_len - 1 :]))
        return answers

    def window(self, x: Tensor) -> Tensor:
        """From an empty state through exactly T bars."""
        states, _ = self.cells(self.standardised(x))
        answers: Tensor = self.head(self.dropout(states[:, -1]))
        return answers


def dilations_of(seq_len: int, kernel: int) -> tuple[int, list[int]]:
    """Kernel and dilations with the largest receptive field 1 + 2(k−1)Σd ≤ T; doubling, the last shortened.

    A window too short for one block of the kernel gets a shorter kernel.
    """
    kernel = min(kernel, 1 + (seq_len - 1) // 2)
    left = 0 if kernel == 1 else (seq_len - 1) // (2 * (kernel - 1))
    dilations: list[int] = []
    step = 1
    while left > 0:
        dilations.append(min(step, left))
        left -= dilations[-1]
        step *= 2
    return kernel, dilations or [1]


class TcnBlock(nn.Module):
    """Two dilated causal convolutions with weight norm, unpadded, and a residual of the bars that are left."""

    def __init__(self, inputs: int, channels: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.first = weight_norm(nn.Conv1d(inputs, channels, kernel, dilation=dilation))
        self.second = weight_norm(nn.Conv1d(channels, channels, kernel, dilation=dilation))
        self.residual = nn.Conv1d(inputs, channels, 1) if inputs != channels else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) → (B, C', L − 2(k−1)d)."""
        y = self.dropout(torch.relu(self.first(x)))
        y = self.dropout(torch.relu(self.second(y)))
        left = x[:, :, -y.shape[2] :]
        return torch.relu(y + (left if self.residual is None else self.residual(left)))


class Tcn(Network):
    """Temporal convolutional network (Bai, Kolter and Koltun, 2018), without padding: it sees no bar that is not there."""

    exact = True

    def __init__(self, params: TcnParams, features: int, classes: int, seq_len: int) -> None:
        super().__init__(features, seq_len)
        kernel, dilations = dilations_of(seq_len, params.kernel_size)
        self.receptive_field = 1 + 2 * (kernel - 1) * sum(dilations)
        widths = [features] + [params.channels] * len(dilations)
        self.blocks = nn.ModuleList(
            TcnBlock(widths[i], widths[i + 1], kernel, dilation, params.dropout) for i, dilation in enumerate(dilations)
        )
        self.head = nn.Linear(params.channels, classes)

    def each_block(self) -> list[TcnBlock]:
        """From the first to the last."""
        return [block for block in self.blocks if isinstance(block, TcnBlock)]

    def dense(self, x: Tensor) -> Tensor:
        """Every output sees `receptive_field` bars; those of a window's bars before are not needed."""
        y = self.standardised(x[:, self.seq_len - self.receptive_field :]).transpose(1, 2)
        for block in self.each_block():
            y = block(y)
        answers: Tensor = self.head(y.transpose(1, 2))
        return answers

    def window(self, x: Tensor) -> Tensor:
        """A segment with one answer."""
        return self.dense(x)[:, -1]


class TransformerLayer(nn.Module):
    """Pre-norm encoder layer (Xiong et al., 2020) whose attention sees the last `band` bars.

    Positions are relative: a learned bias for each head and distance (Raffel et al., 2020).
    """

    def __init__(self, params: TransformerParams, band: int) -> None:
        super().__init__()
        d = params.d_model
        self.heads, self.band, self.drop = params.nhead, band, params.dropout
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.bias = nn.Parameter(torch.zeros(params.nhead, band))
        self.up, self.down = nn.Linear(d, params.dim_feedforward), nn.Linear(params.dim_feedforward, d)
        self.dropout = nn.Dropout(params.dropout)

    def mask(self, length: int) -> Tensor:
        """(heads, L, L): the bias by distance; −∞ ahead of a bar and beyond the band."""
        at = torch.arange(length, device=self.bias.device)
        distance = at[:, None] - at[None, :]
        inside = (distance >= 0) & (distance < self.band)
        bias = self.bias[:, distance.clamp(0, self.band - 1)]
        return bias.masked_fill(~inside, float("-inf"))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, d) → (B, L, d)."""
        B, L, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(B, L, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        drop = self.drop if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=self.mask(L).to(q.dtype), dropout_p=drop)
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(B, L, d)))
        inner = self.dropout(functional.gelu(self.up(self.norm2(x))))
        y: Tensor = x + self.dropout(self.down(inner))
        return y


class Transformer(Network):
    """Encoder (Vaswani et al., 2017) with causal banded attention: L layers together see at most T bars."""

    exact = True

    def __init__(self, params: TransformerParams, features: int, classes: int, seq_len: int) -> None:
        super().__init__(features, seq_len)
        if params.d_model % params.nhead:
            raise EngineError("bad_parameter", f"d_model {params.d_model} is not a multiple of nhead {params.nhead}.")
        band = (seq_len - 1) // params.num_layers + 1
        self.receptive_field = 1 + params.num_layers * (band - 1)
        self.input = nn.Linear(features, params.d_model)
        self.dropout = nn.Dropout(params.dropout)
        self.layers = nn.ModuleList(TransformerLayer(params, band) for _ in range(params.num_layers))
        self.norm = nn.LayerNorm(params.d_model)
        self.head = nn.Linear(params.d_model, classes)

    def each_layer(self) -> list[TransformerLayer]:
        """From the first to the last."""
        return [layer for layer in self.layers if isinstance(layer, TransformerLayer)]

    def dense(self, x: Tensor) -> Tensor:
        """Bars before the receptive field of the first answer are left out."""
        y = self.dropout(self.input(self.standardised(x[:, self.seq_len - self.receptive_field :])))
        for layer in self.each_layer():
            y = layer(y)
        answers: Tensor = self.head(self.norm(y[:, self.receptive_field - 1 :]))
        return answers

    def window(self, x: Tensor) -> Tensor:
        """A segment with one answer."""
        return self.dense(x)[:, -1]
