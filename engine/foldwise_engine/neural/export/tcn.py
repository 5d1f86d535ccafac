"""TCN as valid convolutions over the receptive field alone; the last block's second convolution answers for one bar."""

from __future__ import annotations

import numpy as np
from torch import nn

from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.neural.export.nodes import Nodes
from foldwise_engine.neural.tcn import Convolution, Tcn


def tcn_graph(network: Tcn) -> ProbabilityGraph:
    """(N, T, F) → probabilities of the newest bar; weight norm is multiplied out."""
    held, nodes = network.arrays(), Nodes()
    x = nodes.add("Transpose", nodes.prepared(network), perm=[0, 2, 1])
    length = network.receptive_field
    for block in network.stack():
        inner = x
        for convolution in (block.first, block.second):
            inner = nodes.add("Conv", inner, *_constants(nodes, convolution), dilations=[convolution.dilation])
            inner = nodes.add("Relu", inner)
        kept = nodes.cut(x, block.lost, length, axis=2) if block.lost else x
        if block.match is not None:
            kept = nodes.add("Conv", kept, *_constants(nodes, block.match))
        x = nodes.add("Relu", nodes.add("Add", inner, kept))
        length -= block.lost
    newest = nodes.add("Squeeze", x, nodes.constant([2], np.int64))
    return nodes.probabilities(newest, held("head.weight"), held("head.bias"))


def _constants(nodes: Nodes, convolution: Convolution | nn.Conv1d) -> list[str]:
    return [
        nodes.constant(part.detach().cpu().numpy()) for part in (convolution.weight, convolution.bias) if part is not None
    ]
