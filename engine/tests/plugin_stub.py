"""A plug-in adapter without an engine, so that tests of the worker do not wait for one to be imported.

`training.rounds` rounds that do nothing but be cancellable; the priors as probabilities.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldwise_engine.adapter import Device, FitTask, Fitted
from foldwise_engine.data import Floats


class Prior:
    """Predicts the shares of the training classes."""

    native_file = "model.json"

    def fit(self, task: FitTask) -> Fitted:
        """Count, then pass the time."""
        rounds = int(task.training.get("rounds", 1))
        shares = np.bincount(task.data.y) / len(task.data.y)
        for step in range(rounds):
            task.check()
            task.progress(step + 1, rounds, {"stop_loss": 1.0, "not_a_number": float("nan")})
            time.sleep(0.001)
        return Fitted(model=shares.tolist(), p_train=np.tile(shares, (len(task.data.y), 1)), p_stop=None)

    def save(self, model: Any, path: Path) -> None:
        """Write JSON."""
        path.write_text(json.dumps(model))

    def load(self, path: Path, threads: int, device: Device) -> Any:
        """Read it back."""
        del threads, device
        return json.loads(path.read_text())

    def predict(self, model: Any, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """The same for every row."""
        del threads
        return np.tile(np.asarray(model), (len(X), 1))

    def export_onnx(self, model: Any, features: int, classes: int) -> Any:
        """Not needed by these tests."""
        raise NotImplementedError


ADAPTER = Prior()
