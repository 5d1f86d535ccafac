"""The reference: the loop over windows that tutorials show, with torch's own layers, in fp32.

It is given what it could do but seldom does: rows standardised beforehand, and windows gathered by index a batch at a time,
without a `DataLoader` and its copies of single examples.
"""

from __future__ import annotations

import math
import statistics
import time
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from foldwise_engine.bench.data import Task


class Last(nn.Module):
    """torch's LSTM or GRU and a linear head on the last state."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], features: int, params: dict[str, Any]) -> None:
        super().__init__()
        hidden, layers = params["hidden_size"], params["num_layers"]
        self.layers = kind(features, hidden, layers, dropout=params["dropout"], batch_first=True)
        self.head = nn.Linear(hidden, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) → (B, 3)."""
        answers: Tensor = self.head(self.layers(x)[0][:, -1])
        return answers


class PlainTcn(nn.Module):
    """Bai, Kolter and Koltun 2018: padded, dilations 1, 2, 4, …; the whole length is computed and its last answer read."""

    def __init__(self, features: int, params: dict[str, Any], blocks: int = 4) -> None:
        super().__init__()
        channels, kernel, share = params["channels"], params["kernel_size"], params["dropout"]
        self.blocks = nn.ModuleList()
        self.matches = nn.ModuleList()
        for i in range(blocks):
            width, dilation = features if i == 0 else channels, 2**i
            pad = nn.ConstantPad1d(((kernel - 1) * dilation, 0), 0.0)
            first = weight_norm(nn.Conv1d(width, channels, kernel, dilation=dilation))
            second = weight_norm(nn.Conv1d(channels, channels, kernel, dilation=dilation))
            drop = [nn.ReLU(), nn.Dropout(share)]
            self.blocks.append(nn.Sequential(pad, first, *drop, pad, second, *drop))
            self.matches.append(nn.Conv1d(width, channels, 1) if width != channels else nn.Identity())
        self.head = nn.Linear(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) → (B, 3)."""
        x = x.transpose(1, 2)
        for block, match in zip(self.blocks, self.matches, strict=True):
            x = torch.relu(block(x) + match(x))
        answers: Tensor = self.head(x[:, :, -1])
        return answers


class PlainTransformer(nn.Module):
    """torch's encoder, pre-norm, with sine positions and a causal mask; the last bar's answer is read."""

    positions: Tensor
    mask: Tensor

    def __init__(self, features: int, params: dict[str, Any], length: int) -> None:
        super().__init__()
        width = params["d_model"]
        self.project = nn.Linear(features, width)
        layer = nn.TransformerEncoderLayer(
            width, params["nhead"], params["dim_feedforward"], params["dropout"], "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, params["num_layers"], enable_nested_tensor=False)
        self.head = nn.Linear(width, 3)
        at = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
        self.register_buffer("positions", torch.stack([at.sin(), at.cos()], dim=-1).view(length, width))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) → (B, 3)."""
        states = self.encoder(self.project(x) + self.positions, mask=self.mask, is_causal=True)
        answers: Tensor = self.head(states[:, -1])
        return answers


def network(model: str, features: int, length: int, params: dict[str, Any]) -> nn.Module:
    """The usual one of this name."""
    match model:
        case "lstm":
            return Last(nn.LSTM, features, params)
        case "gru":
            return Last(nn.GRU, features, params)
        case "tcn":
            return PlainTcn(features, params)
        case _:
            return PlainTransformer(features, params, length)


def seconds_of_epoch(task: Task) -> float:
    """Train on every window and answer for every stop window, once; with a `share` on as many batches only, scaled up."""
    device = torch.device(task.device)
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    X, y = task.arrays()
    train, stop = task.rows()
    known = X[: train[-1] + 1]
    mean, deviation = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    scaled = np.nan_to_num((X[: stop[-1] + 1] - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
    windows = sliding_window_view(scaled, task.length, axis=0).transpose(0, 2, 1)
    classes = torch.from_numpy(y.astype(np.int64) + 1)
    net = network(task.model, X.shape[1], task.length, task.params).to(device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    batch = 256

    def gathered(ends: np.ndarray[Any, Any]) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(windows[ends - task.length + 1]).to(device), classes[torch.from_numpy(ends).long()].to(
            device
        )

    def step(ends: np.ndarray[Any, Any]) -> None:
        x, target = gathered(ends)
        loss = functional.cross_entropy(net(x), target)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        loss.item()

    order = np.random.default_rng(task.seed).permutation(train)
    step(order[:batch])  # what is made once only is no part of an epoch
    taken = max(batch, int(len(order) * task.share))
    start = time.perf_counter()
    net.train()
    for first in range(0, taken, batch):
        step(order[first : first + batch])
    net.eval()
    judged = max(batch, int(len(stop) * task.share))
    with torch.no_grad():
        for first in range(0, judged, batch):
            x, target = gathered(stop[first : min(first + batch, judged)])
            functional.cross_entropy(net(x), target, reduction="sum").item()
    spent = time.perf_counter() - start
    return spent * (len(order) + len(stop)) / (taken + judged)


CALLS = 300


def seconds_of_window(task: Task) -> float:
    """One window, as a service of Python's would answer it; the median of many."""
    torch.set_num_threads(task.threads)
    X, _ = task.arrays()
    net = network(task.model, X.shape[1], task.length, task.params).eval()
    times = []
    with torch.inference_mode():
        for first in range(CALLS):
            window = np.array(X[first : first + task.length])[None]
            start = time.perf_counter()
            torch.softmax(net(torch.from_numpy(window)), dim=-1).numpy()
            times.append(time.perf_counter() - start)
    return statistics.median(times[CALLS // 3 :])
