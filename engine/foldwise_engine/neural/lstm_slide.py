"""An LSTM layer over windows that share their bars, on the CPU, without gradients.

oneDNN's would be given every window's bars, and project each of them T times; here a bar is projected once, and a window
is a view of what was projected.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def doubled(rows: Tensor) -> Tensor:
    """Rows of torch's gates i, f, g, o (4H, …), those of g twice as large: tanh(x) = 2 σ(2x) − 1."""
    i, f, g, o = rows.chunk(4)
    return torch.cat([i, f, 2 * g, o])


def slide_lstm(x: Sequence[Tensor], weight: Tensor, inputs: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """T inputs (B, I) → states (T, B, H), from zero.

    `weight` (4H, H) is that of the state, `inputs` the inputs' weight (4H, I) and all biases (4H). Without `inputs` x are
    projected already (B, 4H), and may be views of one another. All are `doubled`: torch's tanh takes some four times as long
    as its sigmoid, and all gates of a bar are one product and one sigmoid so.

    A projection is made when its bar comes: those of all bars would leave the cache before they are used.
    """
    B, H = x[0].shape[0], weight.shape[1]
    states, gates, bounded = weight.new_empty(len(x), B, H), weight.new_empty(B, 4 * H), weight.new_empty(B, H)
    i, f, g, o = gates.chunk(4, dim=1)
    memory, h = weight.new_zeros(B, H), weight.new_zeros(B, H)
    to_state = weight.t().contiguous()
    if inputs is not None:
        to_gates, bias = inputs[0].t().contiguous(), inputs[1]
    for t, bar in enumerate(x):
        projected = bar if inputs is None else torch.addmm(bias, bar, to_gates, out=gates)
        torch.addmm(projected, h, to_state, out=gates).sigmoid_()
        memory.mul_(f).addcmul_(i, g, value=2).sub_(i)  # c' = f c + i (2 g − 1)
        torch.mul(memory, 2, out=bounded).sigmoid_()
        h = torch.mul(bounded, o, out=states[t]).mul_(2).sub_(o)  # h' = o (2 σ(2 c') − 1)
    return states
