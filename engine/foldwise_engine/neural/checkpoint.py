"""The state of a fit after an epoch, in one .safetensors file: tensors, and JSON beside them. No pickle."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from foldwise_engine.adapter import FitTask
from foldwise_engine.errors import EngineError
from foldwise_engine.files import write_via

FILE = "checkpoint.safetensors"
KEY = "foldwise"


class State(msgspec.Struct, kw_only=True):
    """Beside the tensors: where the fit stands."""

    digest: str
    """Of everything that decides the weights; another fit's checkpoint has another."""
    epoch: int
    """Epochs done."""
    best_epoch: int
    best_loss: float
    lr: float
    waited: int
    """Epochs without a better loss, for the schedule."""
    precision: str
    batch_size: int


def digest_of(task: FitTask, network: str) -> str:
    """The same for the same data, configuration, seed, threads and torch: then, and only then, a fit may go on."""
    data = task.data
    sha = hashlib.sha256()
    settings = [
        network,
        dict(task.params),
        dict(task.training),
        task.seed,
        task.device,
        data.classes,
        str(torch.__version__),
    ]
    sha.update(msgspec.json.encode(settings, order="sorted"))
    sha.update(repr((data.train.key, None if data.stop is None else data.stop.key)).encode())
    for values in (data.y, data.weights, data.y_stop, task.class_scale):
        sha.update(b"-" if values is None else np.ascontiguousarray(values).tobytes())
    if data.windows is not None:
        sha.update(repr((data.windows.length, data.windows.start, data.windows.end)).encode())
        sha.update(data.windows.piece.tobytes())
    return sha.hexdigest()


def save(folder: Path, state: State, tensors: dict[str, Tensor]) -> None:
    """Replace the checkpoint in one step; a process killed meanwhile leaves the one before."""
    metadata = {KEY: msgspec.json.encode(state).decode()}
    # Tensors that share memory are refused; contiguous copies never do.
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    write_via(folder / FILE, lambda path: save_file(own, str(path), metadata=metadata))


def load(folder: Path, digest: str) -> tuple[State, dict[str, Tensor]] | None:
    """The checkpoint of this very fit; None where there is none. Raises `bad_data` for any other."""
    path = folder / FILE
    if not path.is_file():
        return None
    remedy = f"Delete {folder} to begin afresh."
    try:
        with safe_open(str(path), framework="pt") as file:
            state = msgspec.json.decode((file.metadata() or {}).get(KEY, ""), type=State)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, msgspec.DecodeError, ValueError) as error:
        raise EngineError("bad_data", f"The checkpoint {path} cannot be read: {error}", remedy) from error
    if state.digest != digest:
        raise EngineError("bad_data", f"The checkpoint {path} is of another configuration or other data.", remedy)
    return state, tensors


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """`optimiser.{i}.{name}` of AdamW's moments and step counts."""
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {f"optimiser.{i}.{name}": torch.as_tensor(value) for i, own in state.items() for name, value in own.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put `optimiser_tensors` back."""
    whole = optimiser.state_dict()
    own: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".", 2)
            own.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({**whole, "state": own})
