"""The scikit-learn calls that Foldwise's svm fit is held against.

`"exact": false`: imputer, scaler, Nystroem and RidgeClassifier, which is the least-squares machine of Foldwise, in one
Pipeline; `"exact": true`: SVC in the place of the last two. Both are fitted on the earlier training rows, and a multinomial
logistic on their decision values for the last `probability_rows` of them makes the probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from common import Answer, Command, loaded, rows_of, serve_model, timed

PURGED = 20
"""Rows between the two steps: the longest label."""


def fit(command: Command) -> tuple[Answer, tuple[Pipeline, LogisticRegression]]:
    """The whole fit with its probabilities; sample weights are not used here."""
    X, y = loaded(command["X"]), loaded(command["y"]).astype(np.int32) + 1
    rows, labels = rows_of(X, command["train"]), y[np.load(command["train"])]
    last = len(rows) - round(len(rows) * command["probability_rows"])
    early, later = rows[: last - PURGED], rows[last:]
    y_early, y_later = labels[: last - PURGED], labels[last:]
    params = command["params"]
    # Of standardised features, as SVC's own "scale" and Foldwise's: constant ones have no variance.
    varying = int(np.sum(np.ptp(early, axis=0) > 0))
    gamma = 1 / varying if params["gamma"] == "scale" else params["gamma"]
    if command.get("exact", False):
        machine: list[tuple[str, Any]] = [
            ("svc", SVC(C=params["C"], gamma=gamma, tol=params["tol"], cache_size=params["cache_size"]))
        ]
    else:
        components = Nystroem(gamma=gamma, n_components=params["n_components"], random_state=command["seed"])
        machine = [("kernel", components), ("ridge", RidgeClassifier(alpha=5 / (2 * params["C"])))]
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    pipeline = Pipeline([("imputer", imputer), ("scaler", StandardScaler()), *machine])

    def call() -> LogisticRegression:
        pipeline.fit(early, y_early)
        return LogisticRegression(max_iter=1000).fit(pipeline.decision_function(later), y_later)

    with threadpool_limits(limits=command["threads"]):
        seconds, logistic = timed(call)
    return {"seconds": seconds, "rounds": 1}, (pipeline, logistic)


def predict(model: tuple[Pipeline, LogisticRegression], X: np.ndarray[Any, Any]) -> Any:
    """(n, F) → (n, 3)."""
    pipeline, logistic = model
    return logistic.predict_proba(pipeline.decision_function(X))


if __name__ == "__main__":
    serve_model(fit, predict)
