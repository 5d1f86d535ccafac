"""Transformer encoder with causal banded attention (torch)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from foldwise_engine.errors import EngineError
from foldwise_engine.neural.adapter import SequenceAdapter
from foldwise_engine.neural.export.transformer import transformer_graph
from foldwise_engine.neural.network import Shape
from foldwise_engine.neural.transformer import Transformer


class Params(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`model_params`: names and meanings of torch.nn.TransformerEncoderLayer."""

    d_model: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64
    nhead: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    num_layers: Annotated[int, msgspec.Meta(ge=1, le=24)] = 3
    dim_feedforward: Annotated[int, msgspec.Meta(ge=1, le=16_384)] = 128
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2


def _build(shape: Shape, params: Params) -> Transformer:
    if params.d_model % params.nhead:
        raise EngineError(
            "bad_parameter",
            f"d_model {params.d_model} is no multiple of nhead {params.nhead}.",
            "Give each head the same whole number of values.",
        )
    return Transformer(shape, params.d_model, params.nhead, params.num_layers, params.dim_feedforward, params.dropout)


ADAPTER = SequenceAdapter("transformer", Params, _build, transformer_graph)
