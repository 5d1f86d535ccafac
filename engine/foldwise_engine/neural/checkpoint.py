"""A checkpoint each epoch: one .safetensors file of weights, best weights and AdamW's moments, and JSON in its head.

It is written whole or not at all, holds no pickle, and names the configuration it belongs to; another's is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from foldwise_engine.errors import EngineError
from foldwise_engine.files import write_via

FILE = "checkpoint.safetensors"
FORMAT = "foldwise-checkpoint-1"

Count = Annotated[int, msgspec.Meta(ge=0)]
Weights = dict[str, Tensor]


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a fit stands after an epoch."""

    batch_size: Annotated[int, msgspec.Meta(ge=1)]
    """Labelled outputs a step; less than was asked for after a GPU's memory ran out."""
    lr: float
    """Of the plateau schedule, for the next epoch."""
    epoch: Count = 0
    best_epoch: Count = 0
    best_loss: float | None = None
    """Of the stop rows; None without them, and before the first epoch."""
    stale: Count = 0
    """Epochs since the best one, or since the learning rate was halved."""


@dataclass(frozen=True)
class Snapshot:
    """All that going on takes; chance is no part of it (see the loop)."""

    progress: Progress
    weights: Mapping[str, Tensor]
    best: Weights
    moments: Weights


class Checkpoint:
    """The file of one configuration in one folder."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self.path = folder / FILE
        self._configuration = configuration

    def write(self, snapshot: Snapshot) -> None:
        """Replace the last epoch's."""
        parts = {"weights": snapshot.weights, "best": snapshot.best, "moments": snapshot.moments}
        named = {f"{part}/{name}": value for part, held in parts.items() for name, value in held.items()}
        tensors = {name: value.detach().cpu().contiguous() for name, value in named.items()}
        head = {
            "format": FORMAT,
            "configuration": self._configuration,
            "progress": msgspec.json.encode(snapshot.progress).decode(),
            "torch": str(torch.__version__),
        }

        def save(temporary: Path) -> None:
            save_file(tensors, temporary, metadata=head)
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())

        write_via(self.path, save)

    def read(self, like: Snapshot) -> Snapshot | None:
        """The last epoch's, its tensors of the names and shapes of `like`; None if there is none; raises `bad_data`."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt", device="cpu") as file:
                head = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        except (SafetensorError, OSError) as error:
            raise self._refused(f"cannot be read: {error}") from error
        if head.get("format") != FORMAT:
            raise self._refused("is no checkpoint of this version")
        if head.get("configuration") != self._configuration:
            raise self._refused("belongs to a fit of other data, parameters, seed or torch version")
        try:
            progress = msgspec.json.decode(head.get("progress", ""), type=Progress)
        except msgspec.DecodeError as error:
            raise self._refused(f"does not say how far it is: {error}") from error
        held: dict[str, Weights] = {"weights": {}, "best": {}, "moments": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition("/")
            held.setdefault(part, {})[rest] = value
        found = Snapshot(progress, held["weights"], held["best"], held["moments"])
        if len(held) > 3 or any(_shapes(a) != _shapes(b) for a, b in _pairs(found, like)):
            raise self._refused("holds other tensors than this model has")
        return found

    def _refused(self, why: str) -> EngineError:
        return EngineError(
            "bad_data",
            f"The checkpoint {self.path} {why}.",
            f"To start anew, resume the run with --fresh, or delete the folder {self.path.parent}.",
        )


def _pairs(a: Snapshot, b: Snapshot) -> list[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]:
    return [(a.weights, b.weights), (a.best, b.best), (a.moments, b.moments)]


def _shapes(held: Mapping[str, Tensor]) -> dict[str, tuple[object, ...]]:
    return {name: (*value.shape, value.dtype) for name, value in held.items()}
