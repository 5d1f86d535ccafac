"""Probabilities of true windows: for early stopping, for the report's losses, and for `predict`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foldwise_engine.data import FitData, Floats, Windows, gather
from foldwise_engine.neural.networks import Network
from foldwise_engine.neural.segments import stretches

TINY = 1e-15
BATCH_BYTES = 16 * 1024 * 1024
STRETCH = 256
"""Answers of one stretch of bars."""


class Answers:
    """Asks the network as it stands, in evaluation mode."""

    def __init__(
        self,
        network: Network,
        windows: Windows,
        class_scale: NDArray[np.float64] | None,
        check: Callable[[], None],
    ) -> None:
        self._network, self._windows, self._scale, self._check = network, windows, class_scale, check

    def stop_loss(self, data: FitData) -> float | None:
        """The unweighted log-loss of what is served, on the stop rows; None: there are none."""
        if data.stop is None or data.y_stop is None:
            return None
        p = self.of(data.stop.X, data.stop.rows.astype(np.int64)).astype(np.float64)
        if self._scale is not None:
            p = p * self._scale
            p /= p.sum(axis=1, keepdims=True)
        own = p[np.arange(len(p)), data.y_stop]
        # NaN must stay NaN, so that it is found.
        return float(-np.log(np.where(own < TINY, TINY, own)).mean())

    def of(self, X: Floats, ends: NDArray[np.int64]) -> Floats:
        """(n, K) of the windows that end at rows `ends` of X (N, F)."""
        self._network.eval()
        with torch.inference_mode():
            return self._dense(X, ends) if self._network.exact else self._windowed(X, ends)

    def _windowed(self, X: Floats, ends: NDArray[np.int64]) -> Floats:
        T = self._windows.length
        size = max(1, BATCH_BYTES // (4 * T * X.shape[1]))
        parts = []
        for i in range(0, len(ends), size):
            self._check()
            parts.append(probabilities(self._network.window(self._tensor(gather(X, ends[i : i + size], T)))))
        return np.concatenate(parts)

    def _dense(self, X: Floats, ends: NDArray[np.int64]) -> Floats:
        out: Floats | None = None
        for rows, positions in stretches(ends, self._windows.piece, self._windows.length, STRETCH):
            self._check()
            p = probabilities(self._network.dense(self._tensor(X[rows][None]))[0])
            out = np.empty((len(ends), p.shape[1]), np.float32) if out is None else out
            asked = positions >= 0
            out[positions[asked]] = p[asked]
        return np.empty((0, 0), np.float32) if out is None else out

    def _tensor(self, values: Floats) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._network.median.device)


def probabilities(logits: Tensor) -> Floats:
    """(…, K) logits → float32 probabilities."""
    p: Floats = torch.softmax(logits.float(), dim=-1).cpu().numpy()
    return p
