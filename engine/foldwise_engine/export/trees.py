"""Gradient-boosted trees as one ONNX node, and the borders on which its parity is checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from foldwise_engine.export.graph import INPUT, ProbabilityGraph

MAX_BORDERS = 4096


def softmax_of_trees(classifier: onnx.NodeProto, classes: int) -> ProbabilityGraph:
    """Turn a converter's TreeEnsembleClassifier into a regressor of K margins and a Softmax.

    The classifier also computes a label nobody reads, and treats two classes as a special case.
    """
    attributes: dict[str, Any] = {item.name: helper.get_attribute_value(item) for item in classifier.attribute}
    margins = {name: value for name, value in attributes.items() if name.startswith("nodes_") and name != "nodes_hitrates"}
    for name in ("treeids", "nodeids", "ids", "weights"):
        margins[f"target_{name}"] = attributes[f"class_{name}"]
    base = list(attributes["base_values"])
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        ["margins"],
        domain="ai.onnx.ml",
        n_targets=classes,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=base if len(base) == classes else base * classes,
        **margins,
    )
    softmax = helper.make_node("Softmax", ["margins"], ["class_probabilities"], axis=1)
    return ProbabilityGraph([trees, softmax], "class_probabilities", borders=borders_of(margins))


def borders_of(nodes: dict[str, Any]) -> NDArray[np.float32]:
    """(B, 2) distinct splits, feature index and threshold; evenly thinned to at most `MAX_BORDERS`, first and last kept."""
    splits = np.array([mode != b"LEAF" for mode in nodes["nodes_modes"]], dtype=bool)
    pairs = np.column_stack(
        [
            np.asarray(nodes["nodes_featureids"], dtype=np.float32)[splits],
            np.asarray(nodes["nodes_values"], dtype=np.float32)[splits],
        ]
    )
    distinct = np.unique(pairs, axis=0)
    if len(distinct) > MAX_BORDERS:
        distinct = distinct[np.linspace(0, len(distinct) - 1, MAX_BORDERS).round().astype(np.int64)]
    return distinct.astype(np.float32)
