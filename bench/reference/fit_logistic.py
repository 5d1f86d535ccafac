"""The direct scikit-learn call that Foldwise's logistic fit is held against: imputer, scaler and model in one Pipeline."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from common import Answer, Command, arrays, serve_model, timed


def fit(command: Command) -> tuple[Answer, Pipeline]:
    """Fit on the training rows; there is nothing to stop early."""
    data = arrays(command)
    pipeline = Pipeline(
        [
            ("imputer", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scaler", StandardScaler()),
            ("model", LogisticRegression(**command["params"], random_state=command["seed"])),
        ]
    )
    with threadpool_limits(limits=command["threads"]):
        seconds, _ = timed(lambda: pipeline.fit(data["X"], data["y"], model__sample_weight=data["w"]))
    return {"seconds": seconds, "rounds": int(pipeline[-1].n_iter_.max())}, pipeline


def predict(pipeline: Pipeline, X: NDArray[Any]) -> Any:
    """(n, F) → (n, 3)."""
    return pipeline.predict_proba(X)


if __name__ == "__main__":
    serve_model(fit, predict)
