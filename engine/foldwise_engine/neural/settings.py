"""`model_params` and `training` of the sequence models, as TypeScript sends them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class RecurrentParams(msgspec.Struct, forbid_unknown_fields=True):
    """lstm and gru: torch's own names."""

    hidden_size: Count = 64
    num_layers: Count = 2
    dropout: Share = 0.3


class TcnParams(msgspec.Struct, forbid_unknown_fields=True):
    """Blocks and dilations follow from the window."""

    channels: Count = 32
    kernel_size: Annotated[int, msgspec.Meta(ge=2)] = 3
    dropout: Share = 0.2


class TransformerParams(msgspec.Struct, forbid_unknown_fields=True):
    """torch's own names."""

    d_model: Count = 64
    nhead: Count = 4
    num_layers: Count = 3
    dim_feedforward: Count = 128
    dropout: Share = 0.2


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training` of the YAML; class weights arrive as row weights."""

    seq_len: Count
    mode: Literal["dense", "windowed"] = "dense"
    max_epochs: Count = 200
    patience: Count | None = 20
    batch_size: Count = 256
    lr: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    lr_schedule: Literal["plateau", "cosine", "constant"] = "plateau"
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.01
    grad_clip: Annotated[float, msgspec.Meta(gt=0)] | None = 1.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
