"""LSTM and GRU by ONNX's own operators, whose gates stand in another order than torch's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.neural.export.nodes import Nodes
from foldwise_engine.neural.recurrent import Gru, Recurrent

LSTM_GATES = (0, 3, 1, 2)
"""torch: input, forget, cell, output; ONNX: input, output, forget, cell."""
GRU_GATES = (1, 0, 2)
"""torch: reset, update, new; ONNX: update, reset, new."""


def recurrent_graph(network: Recurrent) -> ProbabilityGraph:
    """(N, T, F) → probabilities of the newest bar."""
    gru, held, nodes = isinstance(network, Gru), network.arrays(), Nodes()
    hidden, layers = network.layers.hidden_size, network.layers.num_layers

    def gates(name: str) -> NDArray[np.float32]:
        parts = np.split(held(f"layers.{name}"), 3 if gru else 4)
        ordered: NDArray[np.float32] = np.concatenate([parts[i] for i in (GRU_GATES if gru else LSTM_GATES)])
        return ordered

    # Both operators want time first; a layout with the batch first exists on paper only.
    states = nodes.add("Transpose", nodes.prepared(network), perm=[1, 0, 2])
    for layer in range(layers):
        weights = [nodes.constant(gates(f"weight_{side}_l{layer}")[None]) for side in ("ih", "hh")]
        biases = np.concatenate([gates(f"bias_{side}_l{layer}") for side in ("ih", "hh")])
        last = layer == layers - 1
        states = nodes.add(
            "GRU" if gru else "LSTM",
            states,
            *weights,
            nodes.constant(biases[None]),
            hidden_size=hidden,
            **({"linear_before_reset": 1} if gru else {}),
            outputs=2 if last else 1,
            output=1 if last else 0,
        )
        # One direction: (T, 1, N, H) → (T, N, H), and of the last layer the newest state (1, N, H) → (N, H).
        states = nodes.add("Squeeze", states, nodes.constant([0 if last else 1], np.int64))
    return nodes.probabilities(states, held("head.weight"), held("head.bias"))
