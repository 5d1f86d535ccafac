"""The direct CatBoost call that Foldwise's fit is held against: two pools and `fit`, nothing else."""

from __future__ import annotations

from typing import Any

import catboost as cb
from numpy.typing import NDArray

from common import Answer, Command, arrays, serve_model, timed


def fit(command: Command) -> tuple[Answer, cb.CatBoost]:
    """Train with the stop rows watched and the best round kept."""
    data = arrays(command)
    params = {
        **{name: value for name, value in command["params"].items() if value is not None},
        # Foldwise does not compute the training rows' loss of every round; computing it would make the ratio a present.
        "eval_metric": "MultiClass:hints=skip_train~true",
        "iterations": command["rounds"],
        "od_type": "Iter",
        "od_wait": command["patience"],
        "use_best_model": True,
        "thread_count": command["threads"],
        "random_seed": command["seed"],
        "logging_level": "Silent",
        "allow_writing_files": False,
    }

    def call() -> cb.CatBoost:
        train = cb.Pool(data["X"], data["y"], weight=data["w"], thread_count=command["threads"])
        stop = cb.Pool(data["X_stop"], data["y_stop"], thread_count=command["threads"])
        return cb.CatBoost(params).fit(train, eval_set=stop)

    seconds, model = timed(call)
    rounds = len(model.get_evals_result()["validation"]["MultiClass"])
    return {"seconds": seconds, "rounds": rounds}, model


def predict(model: cb.CatBoost, X: NDArray[Any]) -> Any:
    """(n, F) → (n, 3)."""
    return model.predict(X, prediction_type="Probability")


if __name__ == "__main__":
    serve_model(fit, predict)
