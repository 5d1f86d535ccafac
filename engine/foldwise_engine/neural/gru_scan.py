"""A GRU layer over time on the CPU, in as few operations a bar as torch allows.

For input projections x (with the biases of r and z) and the state h:

    r, z = sigmoid(x_rz + h W_rz)      n = tanh(x_n + r · (h W_n + b_n))      h' = n + z · (h − n)

Torch's own loop takes some 40 operations a bar and layer, forward and back, each a few microseconds on a batch this small.
Here it is six forward, and three back: every gradient of a bar's gates is the state's gradient times a factor that the
forward pass already determines, and those factors are computed for all bars at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

FEW = 32
"""Sequences below which a bar's product with the state is too small to be divided among threads."""


@contextmanager
def _alone(sequences: int) -> Iterator[None]:
    threads = torch.get_num_threads()
    if threads == 1 or sequences >= FEW:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def scan(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(L, B, 3H) input projections, gates in torch's order r, z, n → states (L, B, H), from zero.

    `weight` (3H, H) and `bias` (H) of n are those of the state; r's and z's biases are in `x`.
    """
    if torch.is_autocast_enabled("cpu"):
        x = x.float()  # the state accumulates: it stays in float32
    states: Tensor = _Scan.apply(x, weight, bias)
    return states


def slide(x: Sequence[Tensor], weight: Tensor, bias: Tensor) -> Tensor:
    """The same without gradients; T projections (B, 3H), which may be views of one another."""
    B, H = x[0].shape[0], weight.shape[1]
    states = weight.new_zeros(len(x) + 1, B, H)
    rz, gate_n = weight.new_empty(B, 2 * H), weight.new_empty(B, H)
    to_rz, to_n = weight[: 2 * H].t().contiguous(), weight[2 * H :].t().contiguous()
    h = states[0]
    for t, projected in enumerate(x):
        torch.addmm(projected[:, : 2 * H], h, to_rz, out=rz).sigmoid_()
        torch.addmm(bias, h, to_n, out=gate_n)
        n = torch.addcmul(projected[:, 2 * H :], rz[:, :H], gate_n, out=states[t + 1]).tanh_()
        h = torch.lerp(n, h, rz[:, H:], out=n)
    return states[1:]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        L, B, G = x.shape
        H = G // 3
        states = x.new_empty(L + 1, B, H)
        states[0] = 0
        rz, gate_n, n = x.new_empty(L, B, 2 * H), x.new_empty(L, B, H), x.new_empty(L, B, H)
        to_rz, to_n = weight[: 2 * H].t().contiguous(), weight[2 * H :].t().contiguous()
        # Views of all bars at once: slicing inside the loop would cost as much as the arithmetic.
        parts = (x[..., : 2 * H], x[..., 2 * H :], rz, rz[..., :H], rz[..., H:], gate_n, n, states[1:])
        addmm, addcmul, lerp = torch.addmm, torch.addcmul, torch.lerp
        h = states[0]
        with _alone(B):
            for x_rz, x_n, rz_t, r_t, z_t, gate, n_t, out in zip(*(part.unbind(0) for part in parts), strict=True):
                addmm(x_rz, h, to_rz, out=rz_t).sigmoid_()
                addmm(bias, h, to_n, out=gate)
                addcmul(x_n, r_t, gate, out=n_t).tanh_()
                h = lerp(n_t, h, z_t, out=out)
        ctx.save_for_backward(weight, states, gate_n, rz, n)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, states, gate_n, rz, n = ctx.saved_tensors
        L, B, H = n.shape
        r, z = rz[..., :H], rz[..., H:]
        to_n = (1 - z) * (1 - n * n)
        # What the state's gradient is multiplied by to give the gradients of the three rows of h W + b.
        factors = torch.stack([to_n * gate_n * r * (1 - r), (states[:-1] - n) * z * (1 - z), to_n * r], dim=2)
        d_gates, d_states = torch.empty_like(factors), torch.empty_like(n)
        flat = d_gates.view(L, B, 3 * H)
        d_state, spread, z_t = d_states.unbind(0), d_states.unsqueeze(2).unbind(0), z.unbind(0)
        factor, d_gate, d_flat, d_given = factors.unbind(0), d_gates.unbind(0), flat.unbind(0), d_out.unbind(0)
        d_state[-1].copy_(d_given[-1])
        with _alone(B):
            for t in range(L - 1, 0, -1):
                torch.mul(spread[t], factor[t], out=d_gate[t])
                torch.addcmul(d_given[t - 1], d_state[t], z_t[t], out=d_state[t - 1]).addmm_(d_flat[t], weight)
        torch.mul(spread[0], factor[0], out=d_gate[0])
        d_x = torch.cat([flat[..., : 2 * H], d_states * to_n], dim=2)
        d_weight = flat.reshape(-1, 3 * H).t() @ states[:-1].reshape(-1, H)
        return d_x, d_weight, flat[..., 2 * H :].sum((0, 1))
