"""The direct library call that Foldwise's xgboost fit is held against: matrix building and `xgb.train`, nothing else.

`"matrix": "dense"` builds the requirements' `DMatrix`; the default, `QuantileDMatrix`, is XGBoost's own advice for hist:
slower to build by a second of processor time at 73 000 × 180, and a quarter less memory at the peak.
`"watch_train": false` leaves out the training set's loss of every round, which Foldwise does not compute either.
"""

from __future__ import annotations

from typing import Any

import xgboost as xgb
from numpy.typing import NDArray

from common import Answer, Command, arrays, serve_model, timed


def fit(command: Command) -> tuple[Answer, xgb.Booster]:
    """Fit as the requirements write it: both sets watched, early stopping on the second."""
    data = arrays(command)
    dense = command.get("matrix", "quantile") == "dense"
    params: dict[str, Any] = {
        "objective": "multi:softprob",
        "num_class": 3,
        "tree_method": "hist",
        "eval_metric": "mlogloss",
        **command["params"],
        "seed": command["seed"],
        "nthread": command["threads"],
    }
    shared = (
        {"nthread": command["threads"]} if dense else {"nthread": command["threads"], "max_bin": params.get("max_bin", 256)}
    )

    def call() -> xgb.Booster:
        kind = xgb.DMatrix if dense else xgb.QuantileDMatrix
        train = kind(data["X"], label=data["y"], **shared)
        if data["w"] is not None:
            train.set_weight(data["w"])  # after binning, as Foldwise: both sides then grow the same trees
        evals = [(train, "train")] if command.get("watch_train", True) else []
        if data["X_stop"] is not None:
            ref = {} if dense else {"ref": train}
            evals.append((kind(data["X_stop"], label=data["y_stop"], **ref, **shared), "val"))
        return xgb.train(
            params,
            train,
            num_boost_round=command["rounds"],
            evals=evals,
            early_stopping_rounds=command["patience"] if data["X_stop"] is not None else None,
            verbose_eval=False,
        )

    seconds, booster = timed(call)
    best = booster.best_iteration if data["X_stop"] is not None else command["rounds"] - 1
    return {"seconds": seconds, "rounds": booster.num_boosted_rounds()}, booster[: best + 1]


def predict(booster: xgb.Booster, X: NDArray[Any]) -> Any:
    """(n, F) → (n, 3)."""
    return booster.inplace_predict(X)


if __name__ == "__main__":
    serve_model(fit, predict)
