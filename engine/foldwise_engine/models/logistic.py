"""Multinomial logistic regression (scikit-learn): median imputer, scaler and model as one Pipeline.

Imputer and scaler are fitted unweighted: they only bring features to a common size, and a weighted median would tie that
size to the labels' overlap. Sample weights act where the loss is. Cancelling is heard between the steps, not inside the
solver, which gives no turn to Python's caller; the pool's deadline ends what does not listen.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.data import BLOCK, Floats, Selection
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import INPUT, ProbabilityGraph, tensor
from foldwise_engine.lean import without
from foldwise_engine.skops_io import skops_io

with without("pandas"):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

TRUSTED_TYPES = ["numpy.dtype"]
"""All that a .skops file of this Pipeline holds beside what skops itself knows; more is refused unread."""


class Params(msgspec.Struct, forbid_unknown_fields=True):
    """`model_params`: names and meanings of scikit-learn's LogisticRegression."""

    C: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    l1_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    solver: Literal["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"] = "lbfgs"
    max_iter: Annotated[int, msgspec.Meta(ge=1)] = 1000
    tol: Annotated[float, msgspec.Meta(gt=0)] = 1e-4
    fit_intercept: bool = True


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training`: nothing here; class weights arrive as row weights."""


class LogisticAdapter:
    """See the module."""

    native_file = "model.skops"

    def fit(self, task: FitTask) -> Fitted:
        """Fit step by step, so that cancelling is heard in between; equal to `Pipeline.fit`."""
        params = settings(Params, task.params, "model_params")
        settings(Training, task.training, "training")
        if params.l1_ratio > 0 and params.solver != "saga":
            raise EngineError("bad_parameter", f"l1_ratio {params.l1_ratio} needs solver saga, not {params.solver}.")
        start = time.perf_counter()
        data = task.data
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        scaler = StandardScaler(copy=False)  # in place: the imputer has made a copy already
        model = LogisticRegression(**msgspec.structs.asdict(params), random_state=task.seed % 2**32)
        X = imputer.fit_transform(data.train.take())
        task.check()
        with np.errstate(over="ignore", invalid="ignore"):  # refused below, in this project's words
            X = scaler.fit_transform(X)
        too_large = np.flatnonzero(~(np.isfinite(scaler.mean_) & np.isfinite(scaler.scale_)))
        if too_large.size:
            raise EngineError(
                "bad_data",
                f"Feature {too_large[0] + 1} holds values too large to be standardised.",
                "Scale or clip the column; float32 ends at 3.4e38, and its squares before that.",
            )
        task.check()
        ready = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told below, in this project's words
            model.fit(X, data.y, sample_weight=data.weights)
        del X
        trained = time.perf_counter()
        task.check()
        used = int(np.max(model.n_iter_))
        if used >= params.max_iter:
            task.warn(f"The solver stopped at max_iter = {params.max_iter} before it converged to tol = {params.tol}.")
        scaler.copy = True
        pipeline = Pipeline([("imputer", imputer), ("scaler", scaler), ("model", model)])
        if task.device == "cuda":
            task.warn("logistic has no CUDA version: the CPU was used.")
        return Fitted(
            model=pipeline,
            p_train=None if task.answers_only else _by_blocks(pipeline, data.train),
            p_stop=None if data.stop is None else _by_blocks(pipeline, data.stop),
            scaler={
                "median": _floats(imputer.statistics_),
                "mean": _floats(scaler.mean_),
                "scale": _floats(scaler.scale_),
            },
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: Pipeline, path: Path) -> None:
        """Write a .skops file: a zip of JSON and .npy, no pickle."""
        skops_io.dump(model, path)

    def load(self, path: Path, threads: int, device: Device) -> Pipeline:
        """Read it back, trusting exactly `TRUSTED_TYPES`, and check that it is the Pipeline that `fit` makes."""
        del threads, device
        unknown = set(skops_io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
        if unknown:
            raise EngineError("bad_data", f"{path} holds types that a logistic model has no use for: {sorted(unknown)}.")
        model = skops_io.load(path, trusted=TRUSTED_TYPES)
        steps = [type(step) for _, step in model.steps] if isinstance(model, Pipeline) else []
        if steps != [SimpleImputer, StandardScaler, LogisticRegression]:
            raise EngineError("bad_data", f"{path} does not hold an imputer, a scaler and a logistic regression.")
        return model

    def predict(self, model: Pipeline, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, F) → (n, K)."""
        del threads  # the caller has limited the pools
        probabilities: NDArray[np.floating[Any]] = model.predict_proba(X)
        return probabilities

    def export_onnx(self, model: Pipeline, features: int, classes: int) -> ProbabilityGraph:
        """By hand: what scikit-learn computes, step by step, in the precision in which it does.

        It imputes and scales float32 rows by float32 constants, so the graph does; the logits are then summed in double.
        """
        del features
        imputer, scaler, logistic = (step for _, step in model.steps)
        weights = logistic.coef_.astype(np.float64).T
        bias = np.broadcast_to(np.asarray(logistic.intercept_, dtype=np.float64), weights.shape[1])
        if classes == 2:  # scikit-learn keeps one column for two classes; the other logit is zero
            weights = np.hstack([np.zeros_like(weights), weights])
            bias = np.concatenate([np.zeros(1), bias])
        constants = [
            tensor("median", imputer.statistics_.astype(np.float32)),
            tensor("mean", scaler.mean_.astype(np.float32)),
            tensor("scale", scaler.scale_.astype(np.float32)),
            tensor("weights", weights),
            tensor("bias", bias),
        ]
        nodes = [
            helper.make_node("IsNaN", [INPUT], ["missing"]),
            helper.make_node("Where", ["missing", "median", INPUT], ["imputed"]),
            helper.make_node("Sub", ["imputed", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "scale"], ["standardised"]),
            helper.make_node("Cast", ["standardised"], ["wide"], to=TensorProto.DOUBLE),
            helper.make_node("MatMul", ["wide", "weights"], ["weighted"]),
            helper.make_node("Add", ["weighted", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["wide_probabilities"], axis=1),
            helper.make_node("Cast", ["wide_probabilities"], ["class_probabilities"], to=TensorProto.FLOAT),
        ]
        return ProbabilityGraph(nodes, "class_probabilities", constants)


def _by_blocks(model: Pipeline, rows: Selection) -> NDArray[np.floating[Any]]:
    """Predict a block at a time: imputing copies what it is given."""
    return np.concatenate([model.predict_proba(block) for block in rows.blocks(2 * BLOCK)])


def _floats(values: NDArray[np.floating[Any]]) -> list[float]:
    return [float(value) for value in values]


ADAPTER = LogisticAdapter()
