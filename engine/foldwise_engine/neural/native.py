"""The native file: .safetensors with the architecture's parameters as JSON in its head. Nothing in it is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from foldwise_engine.errors import EngineError
from foldwise_engine.neural.network import SequenceNetwork, Shape

FORMAT = "foldwise-sequence-1"
AGAIN = "Fit the model again."

Network = TypeVar("Network", bound=SequenceNetwork)


class Head(msgspec.Struct, forbid_unknown_fields=True):
    """What the tensors alone do not say."""

    format: str
    model: str
    features: int
    classes: int
    seq_len: int
    params: dict[str, Any]


def save(network: SequenceNetwork, model: str, params: msgspec.Struct, path: Path) -> None:
    """Write the file."""
    shape = network.shape
    head = Head(FORMAT, model, shape.features, shape.classes, shape.seq_len, msgspec.to_builtins(params))
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    # One key: safetensors writes several in an order that changes from process to process.
    save_file(tensors, path, metadata={"foldwise": msgspec.json.encode(head).decode()})


def load(path: Path, model: str, build: Callable[[Shape, dict[str, Any]], Network], device: torch.device) -> Network:
    """Read it back; raises `bad_data` for anything that `save` did not write."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            head = msgspec.json.decode((file.metadata() or {}).get("foldwise", ""), type=Head)
            if (head.format, head.model) != (FORMAT, model):
                raise EngineError("bad_data", f"{path} holds {head.model} in format {head.format}, not {model} in {FORMAT}.")
            shape = Shape(head.features, head.classes, head.seq_len)
            if min(shape.features, shape.seq_len) < 1 or shape.classes not in (2, 3):
                raise EngineError("bad_data", f"{path} describes no model: {shape}.")
            # Shapes first, without memory: a file may claim anything.
            with torch.device("meta"):
                expected = {name: tuple(value.shape) for name, value in build(shape, head.params).state_dict().items()}
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            if found != expected:
                raise EngineError("bad_data", f"{path} holds other tensors than its parameters make.", AGAIN)
            tensors = {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError, msgspec.DecodeError) as error:
        raise EngineError("bad_data", f"{path} cannot be read: {error}", AGAIN) from error
    wrong = [name for name, value in tensors.items() if value.dtype != torch.float32 or not bool(value.isfinite().all())]
    if wrong:
        raise EngineError("bad_data", f"{path} holds values of {wrong[0]} that are no finite float32.", AGAIN)
    network = build(shape, head.params)
    network.load_state_dict(tensors)
    return network.to(device).eval()
