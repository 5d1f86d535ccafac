"""What the tests of sequence models share; import it behind `pytest.importorskip("torch")`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from support import NEURAL, PARAMS, TRAINING, Case

from foldwise_engine.adapter import load_adapter
from foldwise_engine.data import Selection
from foldwise_engine.neural.network import SequenceNetwork, Shape
from foldwise_engine.neural.scaling import fit_scaling

T = 8


def network(model: str, features: int = 5, seq_len: int = T, seed: int = 0, **params: Any) -> SequenceNetwork:
    """One with random weights, and the scaler of `walk`."""
    torch.manual_seed(seed)
    adapter: Any = load_adapter(model, None)
    values = adapter.parameters({**PARAMS[model], **params})
    built: SequenceNetwork = adapter.build(Shape(features, 3, seq_len), values)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # biases and relative positions, which begin at zero
        rows = walk(3000, features)
        built.set_scaling(fit_scaling(Selection(rows, np.arange(3000, dtype=np.int32), "memory"), lambda: None))
    return built.eval()


def walk(rows: int, features: int = 5, seed: int = 0) -> NDArray[np.float32]:
    """Rows that resemble a market's: each near the last, columns of all sizes, a tenth missing."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, features)).cumsum(axis=0) * 10.0 ** (2 * np.arange(features) - 3)
    X[random.random(X.shape) < 0.1] = np.nan
    walked: NDArray[np.float32] = X.astype(np.float32)
    return walked


def training(model: str, **changes: Any) -> dict[str, Any]:
    """The tests' own, changed."""
    return {**TRAINING[model], **changes}


def remembered(folder: Path, rows: int = 700, features: int = 4, seed: int = 3) -> Case:
    """A dataset whose label is hidden in the bars before: a row alone does not tell it."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, features)).astype(np.float32)
    past = np.convolve(X[:, 0], [0, 0, 1, 1, 1], "full")[:rows]
    y = np.where(past > 0.7, 1, np.where(past < -0.7, -1, 0)).astype(np.int8)
    return Case(folder, X, y)


__all__ = ["NEURAL", "T", "network", "remembered", "training", "walk"]
