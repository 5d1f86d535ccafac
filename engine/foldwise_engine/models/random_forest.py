"""Random forest (scikit-learn) behind a median imputer.

The forest's own treatment of missing values exports wrongly, hence the imputer; a scaler would move values across float32
split borders, hence none. The imputer is fitted unweighted, as logistic's is.

With `max_bin`, trees are grown on the numbers of bins instead of values, as boosters do, and get their thresholds in values
afterwards: what is kept, exported and served is a forest like any other. Of the time that trees take, half is sorting, and
values with many equals sort in half of that. Where a feature has no more values than bins, drawn rows are split as without.

Trees are grown by `warm_start`, some for each thread at a time, so that cancelling is heard in between: the same trees as
by one call, bit by bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from onnx import helper

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.data import Floats
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import INPUT, ProbabilityGraph, tensor
from foldwise_engine.export.trees import average_of_trees
from foldwise_engine.lean import without
from foldwise_engine.skops_io import skops_io

with without("pandas"):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.tree import DecisionTreeClassifier

TRUSTED_TYPES = ["numpy.dtype", "sklearn.tree._tree.Tree"]
"""All that a .skops file of this Pipeline holds beside what skops itself knows; more is refused unread."""

TREES = 10
"""Trees a thread between two looks at whether the job is still wanted; then the threads wait for the slowest tree."""

ROWS = 4096
"""Rows that one thread predicts at a time."""


class Params(msgspec.Struct, forbid_unknown_fields=True):
    """`model_params`: names and meanings of scikit-learn's RandomForestClassifier."""

    n_estimators: Annotated[int, msgspec.Meta(ge=1)] = 100
    max_depth: Annotated[int, msgspec.Meta(ge=1)] | None = None
    min_samples_leaf: Annotated[int, msgspec.Meta(ge=1)] = 1
    min_samples_split: Annotated[int, msgspec.Meta(ge=2)] = 2
    max_features: Literal["sqrt", "log2"] | Annotated[float, msgspec.Meta(gt=0, le=1)] | None = "sqrt"
    criterion: Literal["gini", "entropy", "log_loss"] = "gini"
    max_leaf_nodes: Annotated[int, msgspec.Meta(ge=2)] | None = None
    min_impurity_decrease: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    bootstrap: bool = True
    max_samples: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    max_bin: Annotated[int, msgspec.Meta(ge=2, le=65_535)] | None = None
    """Not scikit-learn's: bins of a feature; None: every value by itself."""


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training`: nothing here; class weights arrive as row weights."""


class RandomForestAdapter:
    """See the module."""

    native_file = "model.skops"

    def fit(self, task: FitTask) -> Fitted:
        """Impute, bin, and grow all trees at once: without bins equal to `Pipeline.fit`, bit by bit."""
        params = settings(Params, task.params, "model_params")
        settings(Training, task.training, "training")
        if params.max_samples is not None and not params.bootstrap:
            raise EngineError("bad_parameter", f"max_samples {params.max_samples} needs bootstrap.")
        start = time.perf_counter()
        data = task.data
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        X = imputer.fit_transform(data.train.take())
        task.check()
        borders = None if params.max_bin is None else _to_bins(X, params.max_bin, task.threads, task.check)
        ready = time.perf_counter()
        asked = {name: value for name, value in msgspec.structs.asdict(params).items() if name != "max_bin"}
        forest = RandomForestClassifier(**asked, random_state=task.seed % 2**32)
        # Weights decide how rows are drawn, and equal ones draw otherwise than none: they mean the same, so are the same.
        weights = None if data.weights is None or np.ptp(data.weights) == 0 else data.weights
        _grow(forest, X, data.y, weights, task)
        trained = time.perf_counter()
        task.check()
        p_train = None if task.answers_only else _forest_of(forest, X, task.threads, task.check)
        del X
        if borders is not None:
            _to_values(forest, borders)
        pipeline = Pipeline([("imputer", imputer), ("forest", forest)])
        if task.device == "cuda":
            task.warn("random_forest has no CUDA version: the CPU was used.")
        gain = None if task.answers_only else forest.feature_importances_
        return Fitted(
            model=pipeline,
            p_train=p_train,
            p_stop=None if data.stop is None else _forest_of(pipeline, data.stop.take(), task.threads, task.check),
            importance=gain if gain is not None and gain.sum() > 0 else None,
            importance_kind="impurity",
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: Pipeline, path: Path) -> None:
        """Write a .skops file: a zip of JSON and .npy, no pickle."""
        skops_io.dump(model, path)

    def load(self, path: Path, threads: int, device: Device) -> Pipeline:
        """Read it back, trusting exactly `TRUSTED_TYPES`, and look at every tree before it is walked."""
        del threads, device
        unknown = set(skops_io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
        if unknown:
            raise EngineError("bad_data", f"{path} holds types that a random forest has no use for: {sorted(unknown)}.")
        model = skops_io.load(path, trusted=TRUSTED_TYPES)
        steps = [type(step) for _, step in model.steps] if isinstance(model, Pipeline) else []
        if steps != [SimpleImputer, RandomForestClassifier]:
            raise EngineError("bad_data", f"{path} does not hold an imputer and a random forest.")
        _check_forest(model[-1], path)
        return model

    def predict(self, model: Pipeline, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, F) → (n, K)."""
        return _forest_of(model, X, threads, lambda: None)

    def export_onnx(self, model: Pipeline, features: int, classes: int) -> ProbabilityGraph:
        """By hand: the median where a value is missing, then the average of the leaves' class shares."""
        del features
        imputer, forest = (step for _, step in model.steps)
        nodes = [
            helper.make_node("IsNaN", [INPUT], ["missing"]),
            helper.make_node("Where", ["missing", "median", INPUT], ["imputed"]),
        ]
        part = average_of_trees([tree.tree_ for tree in forest.estimators_], classes, "imputed")
        medians = tensor("median", imputer.statistics_.astype(np.float32))
        return ProbabilityGraph([*nodes, *part.nodes], part.output, [medians, *part.initializers], borders=part.borders)


def _grow(forest: RandomForestClassifier, X: Floats, y: NDArray[np.int32], weights: Floats | None, task: FitTask) -> None:
    """Grow all trees, some at a time; each of them has the seed that it has in a single call."""
    total = forest.n_estimators
    forest.set_params(n_jobs=task.threads, warm_start=True)
    for start in range(0, total, TREES * task.threads):
        task.check()
        forest.set_params(n_estimators=min(start + TREES * task.threads, total))
        forest.fit(X, y, sample_weight=weights)
        task.progress(forest.n_estimators, total, {})
    # One thread and no warm start: what is kept is a forest like any other. The weights are kept by the library for
    # out-of-bag scores: they are not the model, and the file would grow by a number a training row.
    forest.set_params(n_jobs=None, warm_start=False)
    forest._sample_weight = None


def _to_bins(X: Floats, most: int, threads: int, check: Callable[[], None]) -> list[NDArray[np.float64]]:
    """Replace the values of X (n, F), which has none missing, by the numbers of their bins; the features' borders.

    A value lies in bin b where b borders are below it. Borders lie halfway between two neighbouring values, at quantiles
    where there are more values than bins.
    """

    def to_bins(feature: int) -> NDArray[np.float64]:
        check()
        column = np.ascontiguousarray(X[:, feature])
        ordered = np.sort(column)
        values = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
        below = np.arange(len(values) - 1)
        if len(values) > most:
            cuts = ordered[(np.arange(1, most) * len(ordered)) // most]
            below = np.unique(np.minimum(np.searchsorted(values, cuts), len(values) - 2))
        borders: NDArray[np.float64] = (values[below].astype(np.float64) + values[below + 1]) / 2
        X[:, feature] = np.searchsorted(borders, column, side="left")
        return borders

    with ThreadPool(threads) as pool:
        return pool.map(to_bins, range(X.shape[1]), chunksize=1)


def _to_values(forest: RandomForestClassifier, borders: list[NDArray[np.float64]]) -> None:
    """Thresholds between numbers of bins become borders: a value's bin is at most b where the value is at most border b."""
    most = max(map(len, borders))
    table = np.stack([np.pad(each, (0, most - len(each))) for each in borders])
    for tree in forest.estimators_:
        inside = tree.tree_.children_left != -1
        bins = np.floor(tree.tree_.threshold[inside]).astype(np.intp)
        tree.tree_.threshold[inside] = table[tree.tree_.feature[inside], bins]


def _forest_of(
    model: Pipeline | RandomForestClassifier, X: Floats, threads: int, check: Callable[[], None]
) -> NDArray[np.float64]:
    """(n, F) → (n, K), blocks of rows over the threads.

    Within a block the trees are added up one after the other: scikit-learn's own threads add them in any order, which is not
    the same bits twice.
    """

    def answer(start: int) -> NDArray[np.float64]:
        check()
        probabilities: NDArray[np.float64] = model.predict_proba(X[start : start + ROWS])
        return probabilities

    with ThreadPool(threads) as pool:
        return np.concatenate(pool.map(answer, range(0, len(X), ROWS), chunksize=1))


def _check_forest(forest: RandomForestClassifier, path: Path) -> None:
    """Raise `bad_data` unless every tree can be walked: scikit-learn's compiled code trusts each index that it meets."""
    classes, features = len(forest.classes_), forest.n_features_in_
    if forest.n_outputs_ != 1 or forest.n_classes_ != classes or not forest.estimators_:
        raise EngineError("bad_data", f"{path} holds a forest of another kind than Foldwise fits.")
    for number, tree in enumerate(forest.estimators_):
        whole = isinstance(tree, DecisionTreeClassifier) and tree.n_outputs_ == 1 and tree.n_classes_ == classes
        if not whole or not _is_sound(tree.tree_, features, classes):
            raise EngineError("bad_data", f"{path} holds a tree ({number}) that cannot be walked.", "Fit the model again.")


def _is_sound(tree: Any, features: int, classes: int) -> bool:
    """Children exist and lie behind their parent (so that every walk ends), features exist, leaves hold shares."""
    if tree.node_count < 1 or tree.node_count != tree.capacity or (tree.n_outputs, tree.max_n_classes) != (1, classes):
        return False
    nodes = np.arange(tree.node_count)
    leaf = tree.children_left == -1
    inside = [
        leaf | ((children > nodes) & (children < tree.node_count)) for children in (tree.children_left, tree.children_right)
    ]
    shares = tree.value
    return bool(
        np.array_equal(leaf, tree.children_right == -1)
        and np.all(inside)
        and np.all(leaf | ((tree.feature >= 0) & (tree.feature < features)))
        and np.all((shares >= 0) & (shares <= 1))
    )


ADAPTER = RandomForestAdapter()
