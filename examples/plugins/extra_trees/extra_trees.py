"""Extremely randomised trees (scikit-learn): the Python side of the plug-in beside this file.

Fitted on medians in the place of missing values, since scikit-learn's own handling of them does not export exactly.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import skops.io
from numpy.typing import NDArray
from onnx import helper
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.data import Floats, Selection
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import INPUT, ProbabilityGraph, tensor
from foldwise_engine.export.trees import borders_of

TRUSTED_TYPES = ["numpy.dtype", "sklearn.tree._tree.Tree"]


class Params(msgspec.Struct, forbid_unknown_fields=True):
    """`model_params`: names and meanings of scikit-learn's ExtraTreesClassifier; `extra_trees.js` has the defaults."""

    n_estimators: Annotated[int, msgspec.Meta(ge=1)]
    max_depth: Annotated[int, msgspec.Meta(ge=1)]
    min_samples_leaf: Annotated[int, msgspec.Meta(ge=1)]
    max_features: Annotated[float, msgspec.Meta(gt=0, le=1)]


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training`: nothing here; class weights arrive as row weights."""


class ExtraTreesAdapter:
    """See the module, and `Adapter` for what each method promises."""

    native_file = "model.skops"

    def fit(self, task: FitTask) -> Fitted:
        """Impute, then grow all trees at once."""
        params = settings(Params, task.params, "model_params")
        settings(Training, task.training, "training")
        start = time.perf_counter()
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        X = imputer.fit_transform(task.data.train.take())
        task.check()
        trees = ExtraTreesClassifier(**msgspec.structs.asdict(params), random_state=task.seed % 2**32, n_jobs=task.threads)
        ready = time.perf_counter()
        trees.fit(X, task.data.y, sample_weight=task.data.weights)
        trained = time.perf_counter()
        task.check()
        trees.n_jobs = 1  # several threads would add the trees' votes in any order: not the same bits twice
        model = Pipeline([("imputer", imputer), ("trees", trees)])
        return Fitted(
            model=model,
            p_train=_by_blocks(model, task.data.train),
            p_stop=None if task.data.stop is None else _by_blocks(model, task.data.stop),
            importance=trees.feature_importances_ if trees.feature_importances_.sum() > 0 else None,
            importance_kind="impurity",
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: Pipeline, path: Path) -> None:
        """Write a .skops file: a zip of JSON and .npy, no pickle."""
        skops.io.dump(model, path)

    def load(self, path: Path, threads: int, device: Device) -> Pipeline:
        """Read it back, trusting exactly `TRUSTED_TYPES`, and look at the trees before they are walked."""
        del threads, device
        unknown = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
        if unknown:
            raise EngineError("bad_data", f"{path} holds types that these trees have no use for: {sorted(unknown)}.")
        model = skops.io.load(path, trusted=TRUSTED_TYPES)
        steps = [type(step) for _, step in model.steps] if isinstance(model, Pipeline) else []
        if steps != [SimpleImputer, ExtraTreesClassifier] or not all(map(_is_sound, model[-1].estimators_)):
            raise EngineError("bad_data", f"{path} does not hold an imputer and sound trees.")
        return model

    def predict(self, model: Pipeline, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, F) → (n, K)."""
        del threads  # see `fit`
        probabilities: NDArray[np.floating[Any]] = model.predict_proba(X)
        return probabilities

    def export_onnx(self, model: Pipeline, features: int, classes: int) -> ProbabilityGraph:
        """Imputer by hand, trees by skl2onnx; of its nodes only those that lead to the probabilities."""
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        del classes
        imputer, trees = (step for _, step in model.steps)
        converted = convert_sklearn(
            trees,
            initial_types=[("imputed", FloatTensorType([None, features]))],
            options={"zipmap": False},
            target_opset={"": 18, "ai.onnx.ml": 3},
        ).graph
        ensemble = next(node for node in converted.node if node.op_type == "TreeEnsembleClassifier")
        ensemble.output[:] = ["tree_label", "class_probabilities"]  # "probabilities" is the name of the graph's output
        attributes = {item.name: helper.get_attribute_value(item) for item in ensemble.attribute}
        impute = [
            helper.make_node("IsNaN", [INPUT], ["missing"]),
            helper.make_node("Where", ["missing", "median", INPUT], ["imputed"]),
        ]
        return ProbabilityGraph(
            [*impute, ensemble],
            "class_probabilities",
            [tensor("median", imputer.statistics_.astype(np.float32))],
            borders=borders_of(attributes),
        )


def _by_blocks(model: Pipeline, rows: Selection) -> NDArray[np.floating[Any]]:
    """Predict a block at a time: imputing copies what it is given."""
    return np.concatenate([model.predict_proba(block) for block in rows.blocks()])


def _is_sound(estimator: Any) -> bool:
    """Children lie behind their parent and features exist: a hostile tree could crash or hang the process."""
    tree = estimator.tree_
    nodes = np.arange(tree.node_count)
    leaf = tree.children_left == -1
    inside = [
        leaf | ((children > nodes) & (children < tree.node_count)) for children in (tree.children_left, tree.children_right)
    ]
    return bool(
        np.array_equal(leaf, tree.children_right == -1)
        and np.all(inside)
        and np.all(leaf | ((tree.feature >= 0) & (tree.feature < tree.n_features)))
    )


ADAPTER = ExtraTreesAdapter()
