"""The direct scikit-learn call that Foldwise's random_forest fit is held against: imputer and forest in one Pipeline."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from common import Answer, Command, arrays, serve_model, timed


def fit(command: Command) -> tuple[Answer, Pipeline]:
    """Fit on the training rows, all trees in one call; there is nothing to stop early."""
    data = arrays(command)
    # Bins are Foldwise's own: the library has none.
    params = {name: value for name, value in command["params"].items() if name != "max_bin"}
    forest = RandomForestClassifier(**params, random_state=command["seed"], n_jobs=command["threads"])
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    pipeline = Pipeline([("imputer", imputer), ("forest", forest)])
    seconds, _ = timed(lambda: pipeline.fit(data["X"], data["y"], forest__sample_weight=data["w"]))
    return {"seconds": seconds, "rounds": len(forest.estimators_)}, pipeline


def predict(pipeline: Pipeline, X: NDArray[Any]) -> Any:
    """(n, F) → (n, 3)."""
    return pipeline.predict_proba(X)


if __name__ == "__main__":
    serve_model(fit, predict)
