"""Trees as one ONNX node, and the borders on which its parity is checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from foldwise_engine.export.graph import INPUT, ProbabilityGraph

MAX_BORDERS = 4096


def sum_of_trees(source: str, output: str, classes: int, **attributes: Any) -> onnx.NodeProto:
    """The operator that adds up each class's leaves; `attributes` are its nodes and targets."""
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [output],
        domain="ai.onnx.ml",
        n_targets=classes,
        aggregate_function="SUM",
        post_transform="NONE",
        **attributes,
    )


def softmax_of_trees(classifier: onnx.NodeProto, classes: int) -> ProbabilityGraph:
    """Turn a converter's TreeEnsembleClassifier into a regressor of K margins and a Softmax.

    The classifier also computes a label nobody reads, and treats two classes as a special case.
    """
    attributes: dict[str, Any] = {item.name: helper.get_attribute_value(item) for item in classifier.attribute}
    margins = {name: value for name, value in attributes.items() if name.startswith("nodes_") and name != "nodes_hitrates"}
    for name in ("treeids", "nodeids", "ids", "weights"):
        margins[f"target_{name}"] = attributes[f"class_{name}"]
    base = list(attributes["base_values"])
    trees = sum_of_trees(INPUT, "margins", classes, base_values=base if len(base) == classes else base * classes, **margins)
    softmax = helper.make_node("Softmax", ["margins"], ["class_probabilities"], axis=1)
    return ProbabilityGraph([trees, softmax], "class_probabilities", borders=borders_of(margins))


def average_of_trees(trees: Sequence[Any], classes: int, source: str) -> ProbabilityGraph:
    """scikit-learn's classification trees as one TreeEnsembleRegressor that adds up the leaves' class shares.

    A split sends x left where x ≤ a threshold that is a double; x is a float32, so the largest float32 that is not above the
    threshold decides the same. (The converters round to the nearest, which sends some values on the border the other way.)
    """
    fields: dict[str, list[NDArray[Any]]] = {name: [] for name in ("feature", "threshold", "left", "right", "tree", "node")}
    leaves: dict[str, list[NDArray[Any]]] = {name: [] for name in ("tree", "node", "class", "share")}
    for number, tree in enumerate(trees):
        leaf = tree.children_left == -1
        fields["feature"].append(np.where(leaf, 0, tree.feature))
        fields["threshold"].append(np.where(leaf, 0, floor_float32(tree.threshold)))
        fields["left"].append(np.where(leaf, 0, tree.children_left))
        fields["right"].append(np.where(leaf, 0, tree.children_right))
        fields["tree"].append(np.full(tree.node_count, number))
        fields["node"].append(np.arange(tree.node_count))
        shares = tree.value[:, 0, :]
        node, label = np.nonzero(leaf[:, None] & (shares > 0))
        leaves["tree"].append(np.full(len(node), number))
        leaves["node"].append(node)
        leaves["class"].append(label)
        leaves["share"].append(shares[node, label] / len(trees))
    flat = {name: np.concatenate(parts) for name, parts in fields.items()}
    ends = {name: np.concatenate(parts).tolist() for name, parts in leaves.items()}
    split = flat["right"] > 0
    walk = sum_of_trees(
        source,
        "class_probabilities",
        classes,
        nodes_modes=np.where(split, "BRANCH_LEQ", "LEAF").tolist(),
        nodes_featureids=flat["feature"].tolist(),
        nodes_values=flat["threshold"].tolist(),
        nodes_truenodeids=flat["left"].tolist(),
        nodes_falsenodeids=flat["right"].tolist(),
        nodes_treeids=flat["tree"].tolist(),
        nodes_nodeids=flat["node"].tolist(),
        target_treeids=ends["tree"],
        target_nodeids=ends["node"],
        target_ids=ends["class"],
        target_weights=ends["share"],
    )
    borders = thinned_borders(np.column_stack([flat["feature"][split], flat["threshold"][split]]))
    return ProbabilityGraph([walk], "class_probabilities", borders=borders)


def floor_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above each value."""
    nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest).astype(np.float32)


def borders_of(nodes: dict[str, Any]) -> NDArray[np.float32]:
    """(B, 2) distinct splits, feature index and threshold; evenly thinned to at most `MAX_BORDERS`, first and last kept."""
    splits = np.array([mode != b"LEAF" for mode in nodes["nodes_modes"]], dtype=bool)
    pairs = np.column_stack(
        [
            np.asarray(nodes["nodes_featureids"], dtype=np.float32)[splits],
            np.asarray(nodes["nodes_values"], dtype=np.float32)[splits],
        ]
    )
    return thinned_borders(pairs)


def thinned_borders(pairs: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Distinct pairs (feature, threshold), evenly thinned to at most `MAX_BORDERS`, first and last kept."""
    distinct = np.unique(pairs, axis=0)
    if len(distinct) > MAX_BORDERS:
        distinct = distinct[np.linspace(0, len(distinct) - 1, MAX_BORDERS).round().astype(np.int64)]
    return distinct.astype(np.float32)
