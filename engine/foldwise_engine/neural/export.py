"""The networks as ONNX graphs, written by hand: windows X (N, T, F) of raw features → probabilities (N, K)."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import Tensor, nn

from foldwise_engine.export.graph import INPUT, ProbabilityGraph, tensor
from foldwise_engine.neural.networks import Network, Recurrent, Tcn, Transformer, TransformerLayer

FAR = -1e9
"""A score that softmax makes exactly zero in float32."""


class Graph:
    """Nodes and constants in the making; every method answers the name of what it adds."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """One operator; the name of its first output."""
        name = f"{op.lower()}_{len(self.nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return name

    def constant(self, values: NDArray[Any] | Tensor, dtype: type[np.generic] = np.float32) -> str:
        """A constant of the graph."""
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
        name = f"constant_{len(self.constants)}"
        self.constants.append(tensor(name, array.astype(dtype)))
        return name

    def integers(self, *values: int) -> str:
        """Shapes, axes, positions."""
        return self.constant(np.array(values), np.int64)

    def last(self, x: str, count: int, axis: int) -> str:
        """The last `count` of an axis."""
        ends = self.integers(np.iinfo(np.int64).max)
        return self.node("Slice", x, self.integers(-count), ends, self.integers(axis))

    def convolution(self, layer: nn.Conv1d) -> tuple[str, str]:
        """Weights (of weight norm, as they are applied) and bias."""
        if layer.bias is None:
            raise TypeError("a convolution without a bias")
        return self.constant(layer.weight), self.constant(layer.bias)

    def linear(self, x: str, layer: nn.Linear) -> str:
        """X Wᵀ + b over the last axis."""
        product = self.node("MatMul", x, self.constant(layer.weight.T))
        return self.node("Add", product, self.constant(layer.bias))


@torch.no_grad()
def graph_of(network: Network) -> ProbabilityGraph:
    """Impute, scale, the network, softmax."""
    graph = Graph()
    x = graph.last(INPUT, network.receptive_field, 1) if network.receptive_field < network.seq_len else INPUT
    x = graph.node("Where", graph.node("IsNaN", x), graph.constant(network.median), x)
    x = graph.node("Sub", x, graph.constant(network.mean))
    x = graph.node("Div", x, graph.constant(network.scale))
    if isinstance(network, Recurrent):
        logits = _recurrent(graph, network, x)
    elif isinstance(network, Tcn):
        logits = _tcn(graph, network, x)
    elif isinstance(network, Transformer):
        logits = _transformer(graph, network, x)
    else:
        raise TypeError(f"no graph is known of a {type(network).__name__}")
    output = graph.node("Softmax", logits, axis=1)
    return ProbabilityGraph(graph.nodes, output, graph.constants)


GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
"""ONNX order of torch's gates: i f g o → i o f c; r z n → z r h."""


def _recurrent(graph: Graph, network: Recurrent, x: str) -> str:
    op = "LSTM" if isinstance(network.cells, nn.LSTM) else "GRU"
    hidden = network.cells.hidden_size

    def ordered(values: Tensor) -> Tensor:
        gates = values.reshape(len(GATES[op]), hidden, *values.shape[1:])
        return gates[list(GATES[op])].reshape(values.shape)

    x = graph.node("Transpose", x, perm=[1, 0, 2])
    layers = network.cells.num_layers
    more: dict[str, Any] = {"hidden_size": hidden, "outputs": 2}
    if op == "GRU":
        more["linear_before_reset"] = 1
    for layer in range(layers):
        own = [getattr(network.cells, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        W, R, bias_in, bias_state = (ordered(values) for values in own)
        biases = torch.cat([bias_in, bias_state])
        weights = [graph.constant(values[None]) for values in (W, R, biases)]
        y = graph.node(op, x, *weights, **more)
        if layer + 1 < layers:
            x = graph.node("Squeeze", y, graph.integers(1))
        else:
            x = graph.node("Squeeze", f"{y}_1", graph.integers(0))
    return graph.linear(x, network.head)


def _tcn(graph: Graph, network: Tcn, x: str) -> str:
    x = graph.node("Transpose", x, perm=[0, 2, 1])
    length = network.receptive_field
    for block in network.each_block():
        y = x
        for convolution in (block.first, block.second):
            (dilation,), (kernel,) = convolution.dilation, convolution.kernel_size
            y = graph.node("Conv", y, *graph.convolution(convolution), dilations=[dilation], kernel_shape=[kernel])
            y = graph.node("Relu", y)
            length -= dilation * (kernel - 1)
        left = graph.last(x, length, 2)
        if block.residual is not None:
            left = graph.node("Conv", left, *graph.convolution(block.residual), kernel_shape=[1])
        x = graph.node("Relu", graph.node("Add", y, left))
    return graph.linear(graph.node("Squeeze", x, graph.integers(2)), network.head)


def _transformer(graph: Graph, network: Transformer, x: str) -> str:
    x = graph.linear(x, network.input)
    length = network.receptive_field
    for layer in network.each_layer():
        # Only these bars are met by the layers above.
        asked = length - (layer.band - 1)
        x = _layer(graph, layer, x, length, asked)
        length = asked
    x = graph.node("Squeeze", x, graph.integers(1))
    return graph.linear(_normed(graph, network.norm, x), network.head)


def _layer(graph: Graph, layer: TransformerLayer, x: str, length: int, asked: int) -> str:
    d = layer.out.in_features
    normed = _normed(graph, layer.norm1, x)
    weight, bias = layer.qkv.weight, layer.qkv.bias

    def heads(source: str, part: int, perm: list[int], factor: float = 1.0) -> str:
        own = slice(part * d, (part + 1) * d)
        y = graph.node("MatMul", source, graph.constant(weight[own].T * factor))
        y = graph.node("Add", y, graph.constant(bias[own] * factor))
        y = graph.node("Reshape", y, graph.integers(0, -1, layer.heads, d // layer.heads))
        return graph.node("Transpose", y, perm=perm)

    newest = graph.last(normed, asked, 1)
    q = heads(newest, 0, [0, 2, 1, 3], (d // layer.heads) ** -0.5)
    k = heads(normed, 1, [0, 2, 3, 1])
    v = heads(normed, 2, [0, 2, 1, 3])
    mask = layer.mask(length)[:, -asked:].masked_fill(torch.isinf(layer.mask(length)[:, -asked:]), FAR)
    scores = graph.node("Add", graph.node("MatMul", q, k), graph.constant(mask))
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=3), v)
    mixed = graph.node("Transpose", mixed, perm=[0, 2, 1, 3])
    mixed = graph.node("Reshape", mixed, graph.integers(0, -1, d))
    x = graph.node("Add", graph.last(x, asked, 1), graph.linear(mixed, layer.out))
    inner = graph.linear(_normed(graph, layer.norm2, x), layer.up)
    erf = graph.node("Erf", graph.node("Mul", inner, graph.constant(np.array(2**-0.5))))
    gelu = graph.node("Mul", inner, graph.node("Add", erf, graph.constant(np.array(1.0))))
    gelu = graph.node("Mul", gelu, graph.constant(np.array(0.5)))
    return graph.node("Add", x, graph.linear(gelu, layer.down))


def _normed(graph: Graph, norm: nn.LayerNorm, x: str) -> str:
    weights = graph.constant(norm.weight), graph.constant(norm.bias)
    return graph.node("LayerNormalization", x, *weights, axis=-1, epsilon=norm.eps)
