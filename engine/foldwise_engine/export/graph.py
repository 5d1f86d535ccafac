"""The part of a graph that all models share.

    X (N, F) ──▶ the model's own nodes ──▶ (N, K) ──▶ × K×3 ──▶ raw_probabilities (N, 3)
                                                                  │ × class_scale, ÷ row sum
                                                                  │ log, × slope, + offset, softmax,
                                                                  │ towards the prior             (calibrator)
                                                                  ▼
                                                            probabilities (N, 3)

No label output, no ZipMap. A class that training lacked gets a column of exact zeros from the K×3 matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from foldwise_engine.protocol import Calibrator

INPUT = "X"
RAW = "raw_probabilities"
FINAL = "probabilities"

OPSET = 18
ML_OPSET = 3
IR_VERSION = 8
"""The oldest that allows opset 18, so every runtime of its time or later reads the graph."""


FLOOR = 1e-15
"""Of a probability, before its logarithm is taken."""


@dataclass(frozen=True)
class ProbabilityGraph:
    """A model's own nodes, from `X` to the tensor named `output`, float32 (N, K)."""

    nodes: Sequence[onnx.NodeProto]
    output: str
    initializers: Sequence[onnx.TensorProto] = ()
    borders: NDArray[np.float32] | None = field(default=None)
    """(B, 2): feature index and split threshold; None without trees."""


def tensor(name: str, values: NDArray[np.generic]) -> onnx.TensorProto:
    """A constant of the graph."""
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def complete_graph(
    part: ProbabilityGraph,
    model: str,
    features: int,
    classes: Sequence[int],
    class_scale: Sequence[float] | None,
    seq_len: int | None = None,
    calibrator: Calibrator | None = None,
) -> onnx.ModelProto:
    """The whole graph, checked. `class_scale` undoes balanced class weights; without it and `calibrator` the outputs agree.

    A sequence model's `X` is (N, `seq_len`, F): windows of raw rows, the newest last.
    """
    shape = [None, features] if seq_len is None else [None, seq_len, features]
    axes = ", ".join(["N", *map(str, shape[1:])])
    nodes, constants = list(part.nodes), list(part.initializers)
    if tuple(classes) == (-1, 0, 1):
        nodes = [_renamed(node, part.output, RAW) for node in nodes]
    else:
        columns = np.zeros((len(classes), 3), dtype=np.float32)
        columns[range(len(classes)), [label + 1 for label in classes]] = 1
        constants.append(tensor("class_columns", columns))
        nodes.append(helper.make_node("MatMul", [part.output, "class_columns"], [RAW]))
    last = RAW
    if class_scale is not None:
        constants.append(tensor("class_scale", np.array(class_scale, dtype=np.float32)))
        constants.append(tensor("class_axis", np.array([1], dtype=np.int64)))
        nodes += [
            helper.make_node("Mul", [RAW, "class_scale"], ["scaled"]),
            helper.make_node("ReduceSum", ["scaled", "class_axis"], ["scaled_sum"], keepdims=1),
            helper.make_node("Div", ["scaled", "scaled_sum"], ["unscaled"]),
        ]
        last = "unscaled"
    if calibrator is not None:
        steps, values = _calibration(calibrator, last)
        nodes += steps
        constants += values
        last = "calibrated"
    if last == RAW:
        nodes.append(helper.make_node("Identity", [RAW], [FINAL]))
    else:
        nodes[-1] = _renamed(nodes[-1], last, FINAL)
    graph = helper.make_graph(
        nodes,
        f"foldwise_{model}",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 3]) for name in (FINAL, RAW)],
        constants,
        doc_string=(
            f"Foldwise {model}. {INPUT}: float32 ({axes}). {FINAL} and {RAW}: (N, 3), columns -1, 0, 1; "
            "raw: before calibration and before balanced class weights are undone."
        ),
    )
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name="foldwise_engine",
        doc_string=graph.doc_string,
    )
    props = {"classes": ",".join(map(str, classes)), "features": str(features)}
    helper.set_model_props(proto, props if seq_len is None else {**props, "seq_len": str(seq_len)})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _calibration(calibrator: Calibrator, given: str) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """`calibrated` (N, 3) from `given`."""
    share = calibrator.prior_share
    nodes = [
        helper.make_node("Max", [given, "calibrator_floor"], ["floored"]),
        helper.make_node("Log", ["floored"], ["logs"]),
        helper.make_node("Mul", ["logs", "calibrator_slope"], ["sloped"]),
        helper.make_node("Add", ["sloped", "calibrator_offset"], ["moved"]),
        helper.make_node("Softmax", ["moved"], ["calibrated" if share == 0 else "sharpness"], axis=1),
    ]
    values: dict[str, Sequence[float]] = {
        "calibrator_floor": [FLOOR],
        "calibrator_slope": calibrator.slope,
        "calibrator_offset": calibrator.offset,
    }
    if share > 0:
        nodes += [
            helper.make_node("Mul", ["sharpness", "calibrator_kept"], ["kept"]),
            helper.make_node("Add", ["kept", "calibrator_prior"], ["calibrated"]),
        ]
        values |= {"calibrator_kept": [1 - share], "calibrator_prior": [share * p for p in calibrator.prior]}
    return nodes, [tensor(name, np.array(value, dtype=np.float32)) for name, value in values.items()]


def _renamed(node: onnx.NodeProto, old: str, new: str) -> onnx.NodeProto:
    """The node with its output `old` called `new`; cheaper in every run than one more Identity."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.output[:] = [new if name == old else name for name in node.output]
    return copy
