"""Transformer over the receptive field alone: each layer answers for the bars that the next ones need, the last for one."""

from __future__ import annotations

import math

import numpy as np

from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.neural.export.nodes import Nodes
from foldwise_engine.neural.transformer import Transformer


def transformer_graph(network: Transformer) -> ProbabilityGraph:
    """(N, T, F) → probabilities of the newest bar."""
    held, nodes = network.arrays(), Nodes()
    x = _linear(nodes, nodes.prepared(network), held("project.weight"), held("project.bias"))
    length = network.receptive_field
    for i in range(len(network.layers)):
        x = _layer(nodes, network, i, x, length)
        length -= network.band - 1
    newest = nodes.add("Squeeze", _norm(nodes, x, network, "norm"), nodes.constant([1], np.int64))
    return nodes.probabilities(newest, held("head.weight"), held("head.bias"))


def _layer(nodes: Nodes, network: Transformer, i: int, x: str, length: int) -> str:
    """(N, L, D) → (N, L − W + 1, D)."""
    held, name = network.arrays(), f"layers.{i}."
    W = network.band
    H, D = held(name + "bias").shape[0], held(name + "out.bias").shape[0]
    size, answers = D // H, length - W + 1

    def heads(value: str, part: str, rows: slice, bars: int, perm: list[int], factor: float = 1.0) -> str:
        weight, bias = (held(f"{name}{part}.{kind}")[rows] * np.float32(factor) for kind in ("weight", "bias"))
        projected = _linear(nodes, value, weight, bias)
        return nodes.add(
            "Transpose", nodes.add("Reshape", projected, nodes.constant([-1, bars, H, size], np.int64)), perm=perm
        )

    normed = _norm(nodes, x, network, name + "norm1")
    asking = nodes.cut(normed, W - 1, length, axis=1) if W > 1 else normed
    q = heads(asking, "query", slice(None), answers, [0, 2, 1, 3], 1 / math.sqrt(size))
    k = heads(normed, "key_value", slice(0, D), length, [0, 2, 3, 1])
    v = heads(normed, "key_value", slice(D, 2 * D), length, [0, 2, 1, 3])
    scores = nodes.add("Add", nodes.add("MatMul", q, k), nodes.constant(_biases(held(name + "bias"), answers)))
    mixed = nodes.add("Transpose", nodes.add("MatMul", nodes.add("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
    joined = nodes.add("Reshape", mixed, nodes.constant([-1, answers, D], np.int64))
    attended = _linear(nodes, joined, held(name + "out.weight"), held(name + "out.bias"))
    kept = nodes.cut(x, W - 1, length, axis=1) if W > 1 else x
    x = nodes.add("Add", kept, attended)
    inner = _linear(nodes, _norm(nodes, x, network, name + "norm2"), held(name + "inner.weight"), held(name + "inner.bias"))
    # GELU by the error function; opset 18 has no operator of that name, the runtime fuses these.
    root = nodes.add("Erf", nodes.add("Div", inner, nodes.constant(math.sqrt(2))))
    gated = nodes.add("Mul", inner, nodes.add("Add", root, nodes.constant(1)))
    halved = nodes.add("Mul", gated, nodes.constant(0.5))
    return nodes.add("Add", x, _linear(nodes, halved, held(name + "outer.weight"), held(name + "outer.bias")))


def _biases(bias: np.ndarray[tuple[int, ...], np.dtype[np.float32]], answers: int) -> object:
    """(heads, W) of distances → (heads, answers, answers + W − 1), −∞ outside of the band."""
    heads, W = bias.shape
    biases = np.full((heads, answers, answers + W - 1), -np.inf, dtype=np.float32)
    for row in range(answers):
        biases[:, row, row : row + W] = bias[:, ::-1]
    return biases


def _linear(nodes: Nodes, x: str, weight: object, bias: object) -> str:
    return nodes.add("Add", nodes.add("MatMul", x, nodes.constant(np.asarray(weight).T)), nodes.constant(bias))


def _norm(nodes: Nodes, x: str, network: Transformer, name: str) -> str:
    held = network.arrays()
    weight, bias = (nodes.constant(held(f"{name}.{kind}")) for kind in ("weight", "bias"))
    return nodes.add("LayerNormalization", x, weight, bias, axis=-1, epsilon=network.norm.eps)
