"""An LSTM layer over windows that share their bars, on the CPU, without gradients.

oneDNN's would be given every window's bars, and project each of them T times; here a bar is projected once, and a window
is a view of what was projected.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def tanh_last(rows: Tensor) -> Tensor:
    """Rows of torch's gates i, f, g, o (4H, …) → i, f, o, g: what a sigmoid takes together, and the tanh's by itself."""
    i, f, g, o = rows.chunk(4)
    return torch.cat([i, f, o, g])


def slide_lstm(x: Sequence[Tensor], weight: Tensor, inputs: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """T inputs (B, I) → states (T, B, H), from zero.

    `weight` (4H, H) is that of the state, `inputs` the inputs' weight (4H, I) and all biases (4H). Without `inputs` x are
    projected already (B, 4H), and may be views of one another. Gates are in the order of `tanh_last` everywhere.

    A projection is made when its bar comes: those of all bars would leave the cache before they are used. The tanh has
    memory of its own: as a strided view it takes torch nine times as long.
    """
    B, H = x[0].shape[0], weight.shape[1]
    states, ifo, g = weight.new_empty(len(x), B, H), weight.new_empty(B, 3 * H), weight.new_empty(B, H)
    i, f, o = ifo.chunk(3, dim=1)
    memory, h = weight.new_zeros(B, H), weight.new_zeros(B, H)
    state_ifo, state_g = _split(weight.t())
    if inputs is not None:
        (x_ifo, x_g), (bias_ifo, bias_g) = _split(inputs[0].t()), _split(inputs[1])
    for t, bar in enumerate(x):
        if inputs is None:
            projected_ifo, projected_g = bar[:, : 3 * H], bar[:, 3 * H :]
        else:
            projected_ifo, projected_g = torch.addmm(bias_ifo, bar, x_ifo, out=ifo), torch.addmm(bias_g, bar, x_g, out=g)
        torch.addmm(projected_ifo, h, state_ifo, out=ifo).sigmoid_()
        torch.addmm(projected_g, h, state_g, out=g).tanh_()
        memory.mul_(f).addcmul_(i, g)
        h = torch.tanh(memory, out=states[t]).mul_(o)
    return states


def _split(gates: Tensor) -> tuple[Tensor, Tensor]:
    """Columns (…, 4H) → those of i, f and o, and those of g."""
    behind = 3 * gates.shape[-1] // 4
    return gates[..., :behind].contiguous(), gates[..., behind:].contiguous()
