"""What an engine has to offer to be used by Foldwise, and how its adapter is found.

An adapter module, built in (`foldwise_engine/models/<id>.py`) or a plug-in's file, defines `ADAPTER`, an object with
the methods of `Adapter`. It imports its engine at its top, so a missing engine is known when the adapter is loaded.
It splits nothing, tunes nothing, scores nothing: those decisions are TypeScript's.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

from foldwise_engine.data import FitData, Floats
from foldwise_engine.errors import EngineError
from foldwise_engine.protocol import FitSequence

if TYPE_CHECKING:
    from foldwise_engine.export.graph import ProbabilityGraph

Device = Literal["cpu", "cuda"]
Settings = TypeVar("Settings", bound=msgspec.Struct)


@dataclass(frozen=True)
class FitTask:
    """One fit: data, the model's own settings, and the ways back to the caller."""

    data: FitData
    params: Mapping[str, Any]
    """`model_params` of the YAML."""
    training: Mapping[str, Any]
    """`training` of the YAML."""
    seed: int
    threads: int
    device: Device
    check: Callable[[], None]
    """Raises `Cancelled` when the job is no longer wanted; call it between rounds."""
    progress: Callable[[int, int, Mapping[str, float]], None]
    """(step, total, metrics); call it as often as you like, it throttles."""
    warn: Callable[[str], None]
    """Something the reader of the report should know."""
    class_scale: NDArray[np.float64] | None = None
    """(K,) in the order of `data.classes`: what is served is the model's probabilities times these, renormalised.

    Whatever is decided by the stop rows is decided on those. None: the model's own are served.
    """
    checkpoint: Path | None = None
    """A folder where a long fit leaves what it needs to go on after its process died, and looks for it."""
    answers_only: bool = False
    """The model answers the stop rows and some others and is let go: no `save` follows, and nobody reads `p_train`."""


@dataclass(frozen=True)
class Fitted:
    """What came of it. Probabilities are (n, K), in the order of `data.classes`, at the best round."""

    model: Any
    p_train: NDArray[np.floating[Any]] | None
    """Of all training rows, or of those at `train_rows`; None where the task wants `answers_only`."""
    p_stop: NDArray[np.floating[Any]] | None
    best_epoch: int = 0
    total_epochs: int = 1
    early_stopped: bool = False
    device: Device = "cpu"
    quantised: Literal["built", "reused"] | None = None
    importance: NDArray[np.float64] | None = None
    """(F,), ≥ 0, any scale; None where the engine has none."""
    importance_kind: str = "gain"
    scaler: Mapping[str, list[float]] | None = None
    """`scaler.json`: what is done to a feature before the model sees it."""
    train_rows: NDArray[np.int32] | None = None
    """Positions among the training rows, ascending, where answering for all would cost too much."""
    sequence: FitSequence | None = None
    """How a sequence model was trained."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """`data` and `train`: reading and binning, and the engine's own training."""


@runtime_checkable
class Adapter(Protocol):
    """One engine model. `model` is whatever the engine calls a fitted one; K classes, codes 0…K−1."""

    native_file: str
    """Name of the native file inside `out`, e.g. `model.ubj`."""

    def fit(self, task: FitTask) -> Fitted:
        """Fit; deterministic for a seed, whatever the number of threads (a network: for a seed and a number of threads)."""
        ...

    def save(self, model: Any, path: Path) -> None:
        """Write the native file. No pickle."""
        ...

    def load(self, path: Path, threads: int, device: Device) -> Any:
        """Read it back without running code from it."""
        ...

    def predict(self, model: Any, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, F), of a sequence model (n, T, F) → (n, K) probabilities."""
        ...

    def export_onnx(self, model: Any, features: int, classes: int) -> ProbabilityGraph:
        """The nodes from `X` to (n, K) probabilities; the rest of the graph is common to all models."""
        ...


_MODEL_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


def load_adapter(model: str, file: str | None) -> Adapter:
    """The adapter of a built-in model, or of a plug-in's file; raises `bad_request` and `engine_missing`."""
    module = _built_in(model) if file is None else _from_file(Path(file))
    adapter = getattr(module, "ADAPTER", None)
    if not isinstance(adapter, Adapter):
        raise EngineError(
            "bad_request",
            f"{file or model} defines no ADAPTER with native_file, fit, save, load, predict and export_onnx.",
            "See docs/guides/MODEL_INTEGRATION_GUIDE.md.",
        )
    return adapter


def _built_in(model: str) -> ModuleType:
    name = f"foldwise_engine.models.{model}"
    # The id becomes a module name: checked first, so that it cannot reach any other module.
    if _MODEL_ID.fullmatch(model) is None or importlib.util.find_spec(name) is None:
        raise EngineError("bad_request", f"This engine has no model {model!r}.")
    return importlib.import_module(name)


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise EngineError("bad_request", f"The adapter {file} is not a file.")
    source = file.read_bytes()
    # Named by its contents too: an edited adapter is a new one, an unchanged one is imported once a worker.
    digest = hashlib.sha256(bytes(file.resolve()) + b"\0" + source).hexdigest()
    name = f"foldwise_plugin_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise EngineError("bad_request", f"The adapter {file} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def settings(kind: type[Settings], values: Mapping[str, Any], section: str) -> Settings:
    """Check a section of the YAML against its struct; unknown keys and wrong types are `bad_parameter`."""
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        raise EngineError("bad_parameter", f"{section}: {error}", f"Correct {section} in the model's YAML.") from error
