"""`training` of a sequence model's YAML; TypeScript sends every key."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class Training(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Names and meanings of `src/models/neural.ts`."""

    seq_len: Annotated[int, msgspec.Meta(ge=1)]
    mode: Literal["dense", "windowed"] = "dense"
    max_epochs: Annotated[int, msgspec.Meta(ge=1)] = 200
    patience: Annotated[int, msgspec.Meta(ge=1)] | None = 20
    batch_size: Annotated[int, msgspec.Meta(ge=1)] = 256
    lr: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    lr_schedule: Literal["plateau", "cosine", "constant"] = "plateau"
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.01
    grad_clip: Annotated[float, msgspec.Meta(gt=0)] | None = 1.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
