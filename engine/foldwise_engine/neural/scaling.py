"""Median and scaler of the training rows, a few columns at a time: the matrix is mapped, and may not fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foldwise_engine.data import Floats, Selection
from foldwise_engine.errors import EngineError

COLUMNS = 32
"""Handled at a time; 73 000 rows of them are 9 MB."""


@dataclass(frozen=True)
class Scaling:
    """Median in the place of a missing value, then (x − mean) / scale; float32 (F,) each."""

    median: Floats
    mean: Floats
    scale: Floats

    def as_json(self) -> dict[str, list[float]]:
        """`scaler.json`."""
        return {name: [float(v) for v in getattr(self, name)] for name in ("median", "mean", "scale")}


def fit_scaling(rows: Selection, check: Callable[[], None]) -> Scaling:
    """Unweighted, as logistic's. All-NaN columns have median 0, constant ones scale 1; `bad_data` for what overflows."""
    median, mean, scale = (np.zeros(rows.features, dtype=np.float32) for _ in range(3))
    for first in range(0, rows.features, COLUMNS):
        check()
        part = slice(first, min(first + COLUMNS, rows.features))
        columns = np.ascontiguousarray(rows.X[rows.rows, part].T)
        ordered = np.sort(columns, axis=1)  # NaN last
        known = (~np.isnan(ordered)).sum(axis=1)
        for i, n in enumerate(known):
            if n:
                halves = ordered[i, (n - 1) // 2], ordered[i, n // 2]
                median[first + i] = (float(halves[0]) + float(halves[1])) / 2
            columns[i, np.isnan(columns[i])] = median[first + i]
        wide = columns.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # refused below, in this project's words
            middle = wide.mean(axis=1)
            wide -= middle[:, None]
            spread = np.sqrt((wide * wide).mean(axis=1))
            largest = np.abs(wide).max(axis=1)
            # What rounding makes of a constant column (scikit-learn's bound).
            eps = np.finfo(np.float64).eps
            n = wide.shape[1]
            constant = spread**2 <= n * eps * spread**2 + (n * middle * eps) ** 2
        spread[constant] = 1.0
        limit = float(np.finfo(np.float32).max)
        with np.errstate(invalid="ignore"):
            too_large = np.flatnonzero(~(np.isfinite(spread) & (largest < limit) & (np.abs(middle) < limit)))
        if too_large.size:
            raise EngineError(
                "bad_data",
                f"Feature {first + too_large[0] + 1} holds values too large to be standardised.",
                "Scale or clip the column; float32 ends at 3.4e38.",
            )
        mean[part], scale[part] = middle, spread
    scale[scale == 0] = 1.0  # a spread that float32 cannot hold
    return Scaling(median, mean, scale)
