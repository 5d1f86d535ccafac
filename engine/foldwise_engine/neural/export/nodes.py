"""A graph in the making: nodes and constants, named as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from foldwise_engine.export.graph import INPUT, ProbabilityGraph, tensor
from foldwise_engine.neural.network import SequenceNetwork


class Nodes:
    """Each call of `add` appends an operator and returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Any, dtype: type[np.generic] = np.float32) -> str:
        """A constant's name."""
        name = f"c{len(self._constants)}"
        self._constants.append(tensor(name, np.asarray(values, dtype=dtype)))
        return name

    def add(self, operator: str, *inputs: str, outputs: int = 1, output: int = 0, **attributes: Any) -> str:
        """Append an operator; of several outputs all but `output` are left out."""
        name = f"{operator.lower()}{len(self._nodes)}"
        names = [name if i == output else "" for i in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return name

    def cut(self, value: str, start: int, end: int, axis: int, step: int = 1) -> str:
        """value[start:end:step] along an axis."""
        return self.add("Slice", value, *(self.constant([n], np.int64) for n in (start, end, axis, step)))

    def prepared(self, network: SequenceNetwork) -> str:
        """(N, T, F) raw → (N, R, F): the bars that the answer depends on, filled and standardised."""
        T, R = network.shape.seq_len, network.receptive_field
        bars = INPUT if R == T else self.cut(INPUT, T - R, T, axis=1)
        held = network.arrays()
        missing = self.add("IsNaN", bars)
        filled = self.add("Where", missing, self.constant(held("median")), bars)
        return self.add("Div", self.add("Sub", filled, self.constant(held("mean"))), self.constant(held("scale")))

    def probabilities(self, newest: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> ProbabilityGraph:
        """(N, H) → the head's probabilities; the graph is done."""
        logits = self.add("Gemm", newest, self.constant(weight), self.constant(bias), transB=1)
        output = self.add("Softmax", logits, axis=1)
        return ProbabilityGraph(self._nodes, output, self._constants)
