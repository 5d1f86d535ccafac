"""The direct LightGBM call that Foldwise's fit is held against: binning and `lgb.train`, nothing else."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
from numpy.typing import NDArray

from common import Answer, Command, arrays, serve_model, timed


def fit(command: Command) -> tuple[Answer, lgb.Booster]:
    """Train with the stop rows watched; `lgb.train` itself keeps the best round in mind."""
    data = arrays(command)
    params = {
        **command["params"],
        # As Foldwise sets them: which way histograms are built is else decided by timing.
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "num_threads": command["threads"],
        "seed": command["seed"],
        "verbosity": -1,
    }

    def call() -> lgb.Booster:
        train = lgb.Dataset(data["X"], label=data["y"], weight=data["w"])
        stop = lgb.Dataset(data["X_stop"], label=data["y_stop"], reference=train)
        return lgb.train(
            params,
            train,
            command["rounds"],
            valid_sets=[stop],
            callbacks=[lgb.early_stopping(command["patience"], verbose=False)],
        )

    seconds, booster = timed(call)
    return {"seconds": seconds, "rounds": booster.current_iteration()}, booster


def predict(booster: lgb.Booster, X: NDArray[Any]) -> Any:
    """(n, F) → (n, 3)."""
    return booster.predict(X)


if __name__ == "__main__":
    serve_model(fit, predict)
