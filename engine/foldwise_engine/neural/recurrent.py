"""LSTM (Hochreiter and Schmidhuber 1997) and GRU (Cho et al. 2014): stacked, dropout between layers, head on the last state.

A segment carries its state over all of its bars, so its answers are not those of windows: it trains only. Everything that
selects or reports is computed window by window (`sliding`). So that the network does not learn to rely on longer memories
than a window gives it, segments are short: their answers look back over T/2 to some 11T/6 bars (lstm), 2T/3 to 7T/6 (gru).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foldwise_engine.neural.dropout import dropout
from foldwise_engine.neural.gru_scan import scan, slide
from foldwise_engine.neural.lstm_slide import doubled, slide_lstm
from foldwise_engine.neural.network import SequenceNetwork, Shape
from foldwise_engine.neural.parts import PARTS

GATES = 12_000_000
"""Numbers of windows' gates that `sliding` holds at a time: 48 MB, and as many by the
other thread. Twice as many were slower: a bar's leave the cache."""


class Recurrent(SequenceNetwork):
    """One of torch's recurrent stacks and a linear head."""

    exact = False
    parts = PARTS

    def __init__(
        self, shape: Shape, kind: type[nn.LSTM] | type[nn.GRU], hidden_size: int, num_layers: int, dropout: float
    ) -> None:
        super().__init__(shape)
        # Between layers: with one there is no place for it, and torch warns.
        share = dropout if num_layers > 1 else 0.0
        self.layers = kind(shape.features, hidden_size, num_layers, dropout=share, batch_first=False)
        self.head = nn.Linear(hidden_size, shape.classes)
        # Many windows, so that a bar's product is worth a call; but their gates have to be held.
        self.stride = min(2048, max(64, GATES // (4 * hidden_size * shape.seq_len)))

    def segments(self, bars: Tensor, answers: int) -> Tensor:
        """See the base."""
        return self._last(self.prepare(bars), answers)

    def answer(self, bars: Tensor) -> Tensor:
        """(B, S+T−1, F) prepared → (B, S, K)."""
        return self._last(bars, bars.shape[1] - self.shape.seq_len + 1)

    def _last(self, bars: Tensor, answers: int) -> Tensor:
        states = self.states(bars.transpose(0, 1).contiguous())[-answers:]
        last: Tensor = self.head(states).transpose(0, 1)
        return last

    def states(self, bars: Tensor) -> Tensor:
        """(L, B, F) → the last layer's states (L, B, H)."""
        states: Tensor = self.layers(bars)[0]
        return states

    def sliding(self, bars: Tensor) -> Tensor:
        """(S+T−1, F) raw → (S, K); a bar is standardised once."""
        windows = self.prepare(bars).unfold(0, self.shape.seq_len, 1)  # (S, F, T), a view
        answers: Tensor = self.head(self.states(windows.permute(2, 0, 1).contiguous())[-1])
        return answers

    def _part(self, kind: str, side: str, layer: int) -> Tensor:
        part: Tensor = getattr(self.layers, f"{kind}_{side}_l{layer}")
        return part


class Lstm(Recurrent):
    """Torch's own on every device: on the CPU it is oneDNN's, a layer at a time, with our dropout between them."""

    def __init__(self, shape: Shape, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__(shape, nn.LSTM, hidden_size, num_layers, dropout)

    @property
    def answers(self) -> int:
        """Four thirds of T: for T = 30 as good as 32, and a bar is computed 1.35 times in the place of 1.44."""
        return max(32, -(-4 * self.shape.seq_len // 3))

    @property
    def lead(self) -> int:
        """Half of T."""
        return -(-self.shape.seq_len // 2)

    def states(self, bars: Tensor) -> Tensor:
        """(L, B, F) → (L, B, H)."""
        if bars.is_cuda:
            return super().states(bars)
        states, start = bars, bars.new_zeros(1, bars.shape[1], self.layers.hidden_size)
        for layer in range(self.layers.num_layers):
            if layer > 0:
                states = dropout(states, self.layers.dropout, self.training)
            weights = [self._part(kind, side, layer) for kind in ("weight", "bias") for side in ("ih", "hh")]
            states = torch.lstm(states, (start, start), weights, True, 1, 0.0, self.training, False, False)[0]
        return states

    def sliding(self, bars: Tensor) -> Tensor:
        """(S+T−1, F) raw → (S, K); the first layer's inputs are projected once a bar."""
        if bars.is_cuda:
            return super().sliding(bars)
        T = self.shape.seq_len
        projected = functional.linear(self.prepare(bars), *self._input(0))
        states = slide_lstm([projected[t : len(projected) - T + 1 + t] for t in range(T)], self._state(0))
        for layer in range(1, self.layers.num_layers):
            states = slide_lstm(states.unbind(0), self._state(layer), self._input(layer))
        answers: Tensor = self.head(states[-1])
        return answers

    def _input(self, layer: int) -> tuple[Tensor, Tensor]:
        """Weight of a layer's inputs, and all its biases, as `slide_lstm` wants them."""
        both = self._part("bias", "ih", layer) + self._part("bias", "hh", layer)
        return doubled(self._part("weight", "ih", layer)), doubled(both)

    def _state(self, layer: int) -> Tensor:
        """Weight of a layer's state, likewise."""
        return doubled(self._part("weight", "hh", layer))


class Gru(Recurrent):
    """Torch's own on a GPU. On the CPU torch loops over bars with many small operations, so a scan of our own does it."""

    def __init__(self, shape: Shape, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__(shape, nn.GRU, hidden_size, num_layers, dropout)

    @property
    def answers(self) -> int:
        """Half of T: the loop over a step's bars is shorter than for longer segments, and it learned better from them."""
        return max(16, -(-self.shape.seq_len // 2))

    @property
    def lead(self) -> int:
        """Two thirds of T."""
        return -(-2 * self.shape.seq_len // 3)

    def states(self, bars: Tensor) -> Tensor:
        """(L, B, F) → (L, B, H)."""
        if bars.is_cuda:
            return super().states(bars)
        states = bars
        for layer in range(self.layers.num_layers):
            if layer > 0:
                states = dropout(states, self.layers.dropout, self.training)
            states = scan(functional.linear(states, *self._input(layer)), *self._state(layer))
        return states

    def sliding(self, bars: Tensor) -> Tensor:
        """(S+T−1, F) raw → (S, K); the first layer's inputs are projected once a bar."""
        if bars.is_cuda:
            return super().sliding(bars)
        projected = functional.linear(self.prepare(bars), *self._input(0))
        T = self.shape.seq_len
        states = slide([projected[t : len(projected) - T + 1 + t] for t in range(T)], *self._state(0))
        for layer in range(1, self.layers.num_layers):
            inputs = functional.linear(states, *self._input(layer))
            states = slide(list(inputs.unbind(0)), *self._state(layer))
        answers: Tensor = self.head(states[-1])
        return answers

    def _input(self, layer: int) -> tuple[Tensor, Tensor]:
        """Weight and bias of a layer's inputs; r and z have their state's bias here, where it is added once for all bars."""
        bias, state_bias = (self._part("bias", side, layer) for side in ("ih", "hh"))
        both = 2 * self.layers.hidden_size
        return self._part("weight", "ih", layer), torch.cat([bias[:both] + state_bias[:both], bias[both:]])

    def _state(self, layer: int) -> tuple[Tensor, Tensor]:
        """Weight of a layer's state, and its bias in n."""
        return self._part("weight", "hh", layer), self._part("bias", "hh", layer)[2 * self.layers.hidden_size :]
