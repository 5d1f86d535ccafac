"""Long short-term memory (torch)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from foldwise_engine.neural.adapter import SequenceAdapter
from foldwise_engine.neural.export.recurrent import recurrent_graph
from foldwise_engine.neural.recurrent import Lstm


class Params(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`model_params`: names and meanings of torch.nn.LSTM."""

    hidden_size: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64
    num_layers: Annotated[int, msgspec.Meta(ge=1, le=16)] = 2
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.3


ADAPTER = SequenceAdapter(
    "lstm",
    Params,
    lambda shape, params: Lstm(shape, params.hidden_size, params.num_layers, params.dropout),
    recurrent_graph,
)
