"""What is fitted: rows of a dataset's folder, or of one that is made up, whose label depends on its last twenty bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

SEQUENCE = ("lstm", "gru", "tcn", "transformer")
LENGTHS = {"lstm": 30, "gru": 30, "tcn": 60, "transformer": 60}
"""Bars of a window, T."""
PARAMS: dict[str, dict[str, Any]] = {
    "lstm": {"hidden_size": 128, "num_layers": 2, "dropout": 0.2},
    "gru": {"hidden_size": 128, "num_layers": 2, "dropout": 0.2},
    "tcn": {"channels": 64, "kernel_size": 3, "dropout": 0.1},
    "transformer": {"d_model": 128, "nhead": 8, "num_layers": 3, "dim_feedforward": 256, "dropout": 0.1},
}
"""Those of the table: the `reference` presets."""
HORIZON = 20
REACH = 20
"""Bars that a made-up label depends on."""


class Task(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One measurement; a child process gets it as JSON."""

    what: Literal["ours", "plain", "rate", "latency"]
    model: str
    params: dict[str, Any]
    length: int
    """T."""
    dataset: str
    horizon: int
    train: int
    """Training rows: the first ones that end a window."""
    stop: int
    """Stop rows, behind them."""
    test: int = 0
    """Rows behind those, that the finished model is judged on; ours only."""
    device: Literal["cpu", "cuda"]
    threads: int
    seed: int
    training: dict[str, Any] = {}
    """Beside the defaults; ours only."""
    share: float = 1.0
    """Of an epoch, what the reference is measured on."""

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """X (N, F) and y (N,), mapped."""
        folder = Path(self.dataset)
        return np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / f"y_h{self.horizon}.npy", mmap_mode="r")

    def rows(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """End rows of the training and of the stop windows."""
        first = self.length - 1
        train = np.arange(first, first + self.train, dtype=np.int32)
        return train, np.arange(train[-1] + 1, train[-1] + 1 + self.stop, dtype=np.int32)


def make_dataset(folder: Path, rows: int, features: int, seed: int) -> Path:
    """Independent columns; the label, of three equal classes, is what the last 20 bars of three columns say, and noise."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((rows, features), dtype=np.float32)
    totals = np.cumsum(X[:, :2].astype(np.float64), axis=0)
    recent = totals.copy()
    recent[REACH:] -= totals[:-REACH]
    recent /= np.sqrt(REACH)
    score = recent[:, 0] + 0.7 * np.tanh(recent[:, 1] * X[:, min(2, features - 1)]) + 0.6 * random.standard_normal(rows)
    low, high = np.quantile(score, [1 / 3, 2 / 3])
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "X.npy", X)
    np.save(folder / f"y_h{HORIZON}.npy", np.where(score > high, 1, np.where(score < low, -1, 0)).astype(np.int8))
    return folder
