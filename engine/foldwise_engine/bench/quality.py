"""Whether dense training costs quality: the same data and seed, dense and windowed, judged on windows neither has seen."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from foldwise_engine.bench.child import run
from foldwise_engine.bench.data import HORIZON, LENGTHS, Task, make_dataset
from foldwise_engine.bench.ours import Fitted

FEATURES = 8
PARAMS: dict[str, dict[str, Any]] = {
    "lstm": {"hidden_size": 32, "num_layers": 2, "dropout": 0.2},
    "gru": {"hidden_size": 32, "num_layers": 2, "dropout": 0.2},
    "tcn": {"channels": 32, "kernel_size": 3, "dropout": 0.1},
    "transformer": {"d_model": 32, "nhead": 4, "num_layers": 3, "dim_feedforward": 64, "dropout": 0.1},
}
"""Small enough that windows, one by one, are trained in minutes."""


class Quality(msgspec.Struct):
    """One model over the seeds: log-loss on unseen rows."""

    model: str
    dense: list[float]
    windowed: list[float]
    difference: float
    """Mean of dense − windowed, pair by pair."""
    standard_error: float
    seconds_dense: float
    """Median of the fits."""
    seconds_windowed: float

    @property
    def kept(self) -> bool:
        """Not worse by more than one standard error."""
        return self.difference <= self.standard_error


def quality(
    models: list[str], seeds: int, train: int, threads: int, device: str, tell: Callable[[str], None]
) -> Iterator[Quality]:
    """Every seed has data of its own."""
    held_out = train // 3
    with tempfile.TemporaryDirectory() as name:
        folders = [make_dataset(Path(name) / str(seed), train + 2 * held_out + 100, FEATURES, seed) for seed in range(seeds)]
        for model in models:
            fits: dict[str, list[Fitted]] = {"dense": [], "windowed": []}
            for seed, folder in enumerate(folders):
                for mode in ("dense", "windowed") if seed % 2 == 0 else ("windowed", "dense"):
                    task = Task(
                        what="ours",
                        model=model,
                        params=PARAMS[model],
                        length=LENGTHS[model],
                        dataset=str(folder),
                        horizon=HORIZON,
                        train=train,
                        stop=held_out,
                        test=held_out,
                        device="cuda" if device == "cuda" else "cpu",
                        threads=threads,
                        seed=seed,
                        training={"mode": mode},
                    )
                    fits[mode].append(run(task, Fitted))
                    last = fits[mode][-1]
                    tell(
                        f"{model}, seed {seed}, {mode}: {last.test_loss:.4f}, {last.epochs} epochs, {last.fit_seconds:.1f} s"
                    )
            losses = {mode: [fit.test_loss for fit in done if fit.test_loss is not None] for mode, done in fits.items()}
            differences = [a - b for a, b in zip(losses["dense"], losses["windowed"], strict=True)]
            yield Quality(
                model=model,
                dense=losses["dense"],
                windowed=losses["windowed"],
                difference=statistics.mean(differences),
                standard_error=statistics.stdev(differences) / len(differences) ** 0.5 if seeds > 1 else 0.0,
                seconds_dense=statistics.median(fit.fit_seconds for fit in fits["dense"]),
                seconds_windowed=statistics.median(fit.fit_seconds for fit in fits["windowed"]),
            )
