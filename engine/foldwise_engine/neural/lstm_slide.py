"""An LSTM layer over windows that share their bars, on the CPU, without gradients.

oneDNN's would be given every window's bars, and project each of them T times; here a bar is projected once, and a window
is a view of what was projected.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def slide_lstm(x: Sequence[Tensor], weight: Tensor) -> Tensor:
    """T input projections (B, 4H), all biases in them, gates in torch's order i, f, g, o → states (T, B, H), from zero.

    They may be views of one another. `weight` (4H, H) is that of the state.
    """
    B, H = x[0].shape[0], weight.shape[1]
    states, gates = weight.new_empty(len(x), B, H), weight.new_empty(B, 4 * H)
    to_gates = weight.t().contiguous()
    i_f, i, f, g, o = gates[:, : 2 * H], gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H : 3 * H], gates[:, 3 * H :]
    memory = weight.new_zeros(B, H)
    h = weight.new_zeros(B, H)
    for t, projected in enumerate(x):
        torch.addmm(projected, h, to_gates, out=gates)
        i_f.sigmoid_()
        g.tanh_()
        o.sigmoid_()
        memory.mul_(f).addcmul_(i, g)
        h = torch.tanh(memory, out=states[t]).mul_(o)
    return states
