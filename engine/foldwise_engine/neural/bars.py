"""Bars for the network: from the mapped file on the CPU, from the device's own memory on a GPU."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foldwise_engine.data import Floats


class Bars:
    """Gathers rows a batch at a time; (N, T, F) never exists."""

    def __init__(self, X: Floats, device: torch.device) -> None:
        self.device = device
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "not writable": nothing here writes
            mapped = torch.from_numpy(X)
        self._X = mapped if device.type == "cpu" else mapped.to(device)

    def take(self, rows: NDArray[np.int64]) -> Tensor:
        """Row numbers of any shape → that shape and F."""
        index = self.tensor(rows)
        return self._X.index_select(0, index.view(-1)).view(*rows.shape, -1)

    def span(self, first: int, end: int) -> Tensor:
        """Rows [first, end): on the CPU a view of the file."""
        return self._X[first:end]

    def tensor(self, values: NDArray[Any]) -> Tensor:
        """An array on the device."""
        return torch.from_numpy(values).to(self.device)
