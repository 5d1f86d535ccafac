"""Temporal convolutional network (torch)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from foldwise_engine.neural.adapter import SequenceAdapter
from foldwise_engine.neural.export.tcn import tcn_graph
from foldwise_engine.neural.tcn import Tcn


class Params(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`model_params`; blocks and dilations follow from the window."""

    channels: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 32
    kernel_size: Annotated[int, msgspec.Meta(ge=2, le=15)] = 3
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2


ADAPTER = SequenceAdapter(
    "tcn",
    Params,
    lambda shape, params: Tcn(shape, params.channels, params.kernel_size, params.dropout),
    tcn_graph,
)
