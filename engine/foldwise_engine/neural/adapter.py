"""One adapter for the four: they differ in parameters, network and graph only."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.data import Floats
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.neural import native
from foldwise_engine.neural.answer import answer_rows, answer_windows, softmax
from foldwise_engine.neural.bars import Bars
from foldwise_engine.neural.checkpoint import Checkpoint, Snapshot
from foldwise_engine.neural.loop import Job, Outcome, beginning, train
from foldwise_engine.neural.network import SequenceNetwork, Shape
from foldwise_engine.neural.options import Training
from foldwise_engine.neural.plan import Dense, Plan, Windowed
from foldwise_engine.neural.scaling import fit_scaling
from foldwise_engine.process import available_cores, cuda_computes_in_bf16, freed_memory_kept
from foldwise_engine.protocol import FitSequence
from foldwise_engine.windows import Window

TRAIN_SAMPLE = 8192
"""Training rows that are answered for where each costs a whole window: enough for a loss of two digits."""

Params = TypeVar("Params", bound=msgspec.Struct)
Network = TypeVar("Network", bound=SequenceNetwork)

MOST_THREADS = 4
"""More do not make steps of some hundred answers faster."""


class SequenceAdapter(Generic[Params, Network]):
    """See the module; `params` is the model's own struct."""

    native_file = "model.safetensors"

    def __init__(
        self,
        model: str,
        params: type[Params],
        build: Callable[[Shape, Params], Network],
        graph: Callable[[Network], ProbabilityGraph],
    ) -> None:
        self._model, self._params, self.build, self._graph = model, params, build, graph

    def parameters(self, values: Mapping[str, Any]) -> Params:
        """`model_params`, checked."""
        return settings(self._params, values, "model_params")

    def fit(self, task: FitTask) -> Fitted:
        """Scale by the training rows, train, and answer for training and stop rows by true windows."""
        params = self.parameters(task.params)
        options = settings(Training, task.training, "training")
        data, window = task.data, _window_of(task, options)
        start = time.perf_counter()
        threads = _machine_threads()
        device = _prepare(threads, task.device)
        precision = _precision(options, device)
        if window.length == 1:
            task.warn("A window of one bar holds what a row holds: a tabular model does the same for less.")
        torch.manual_seed(task.seed)
        network = self.build(Shape(data.train.features, len(data.classes), window.length), params)
        scaling = fit_scaling(data.train, task.check)
        network.set_scaling(scaling)
        network.to(device)
        bars = Bars(data.train.X, device)
        begin = beginning(network, options)
        checkpoint = None
        if task.checkpoint is not None:
            checkpoint = Checkpoint(task.checkpoint, self._configuration(task, params, options, window, precision, network))
            begin = checkpoint.read(begin) or begin

        def job(begin: Snapshot) -> Job:
            return Job(
                network=network,
                bars=bars,
                plan=plan_of(network, options, window, data.train.rows, begin.progress.batch_size),
                y=data.y,
                weights=data.weights,
                stop=None if data.stop is None or data.y_stop is None else (data.stop.rows, data.y_stop),
                log_scale=_log_scale(task),
                training=options,
                seed=task.seed,
                threads=threads,
                precision=precision,
                begin=begin,
                checkpoint=checkpoint,
                check=task.check,
                progress=task.progress,
            )

        ready = time.perf_counter()
        with freed_memory_kept():
            outcome, batch_size = _train(job, begin, checkpoint, task.warn)
        trained = time.perf_counter()
        train_rows = _sample(len(data.train), task.seed) if not network.exact and not task.answers_only else None
        answered = data.train.rows if train_rows is None else data.train.rows[train_rows]
        return Fitted(
            model=Held(network, params),
            p_train=None if task.answers_only else softmax(answer_rows(network, bars, answered, task.check, threads)),
            p_stop=None if data.stop is None else softmax(answer_rows(network, bars, data.stop.rows, task.check, threads)),
            best_epoch=outcome.best_epoch,
            total_epochs=outcome.total_epochs,
            early_stopped=outcome.early_stopped,
            device=task.device,
            scaler=scaling.as_json(),
            train_rows=train_rows,
            sequence=FitSequence(
                mode=options.mode,
                precision=precision,
                batch_size=batch_size,
                parameters=network.parameter_count,
                receptive_field=network.receptive_field,
                resumed_from=outcome.resumed_from,
            ),
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: Held[Network], path: Path) -> None:
        """Write the .safetensors file."""
        native.save(model.network, self._model, model.params, path)

    def load(self, path: Path, threads: int, device: Device) -> Held[Network]:
        """Read it back; raises `bad_data`."""
        on = _prepare(threads, device)
        held: list[Params] = []

        def build(shape: Shape, values: dict[str, Any]) -> Network:
            held.append(settings(self._params, values, f"the parameters in {path}"))
            return self.build(shape, held[-1])

        network = native.load(path, self._model, build, on)
        return Held(network, held[-1])

    def predict(self, model: Held[Network], X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, T, F) → (n, K)."""
        torch.set_num_threads(threads)
        return softmax(answer_windows(model.network, X))

    def export_onnx(self, model: Held[Network], features: int, classes: int) -> ProbabilityGraph:
        """By hand, for one answer a window: what the newest bar does not need is not computed."""
        del features, classes
        return self._graph(model.network)

    def _configuration(
        self, task: FitTask, params: Params, options: Training, window: Window, precision: str, network: Network
    ) -> str:
        """A digest of all that the weights of an epoch depend on."""
        data = task.data
        stop = None if data.stop is None else data.stop.rows
        arrays = [data.train.rows, data.y, data.weights, stop, data.y_stop, window.starts]
        told = {
            "model": self._model,
            "params": params,
            "training": options,
            "seed": task.seed,
            "device": task.device,
            "precision": precision,
            "dataset": data.train.origin,
            "classes": data.classes,
            "class_scale": None if task.class_scale is None else task.class_scale.tolist(),
            "window": (window.length, window.start, window.end),
            "segments": (network.answers, network.lead, network.parts),
            "arrays": [None if a is None else hashlib.sha256(a.tobytes()).hexdigest() for a in arrays],
            "torch": str(torch.__version__),
        }
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


class Held(Generic[Network]):
    """A fitted network, and the parameters that its native file names."""

    def __init__(self, network: Network, params: msgspec.Struct) -> None:
        self.network, self.params = network, params


def _window_of(task: FitTask, options: Training) -> Window:
    window = task.data.window
    if window is None or window.length != options.seq_len:
        given = "no window" if window is None else f"windows of {window.length}"
        raise EngineError("bad_request", f"training.seq_len is {options.seq_len}, but the request has {given}.")
    return window


def _machine_threads() -> int:
    """Of a fit: by the machine, not by how many workers share it. Sums depend on it in their last bits."""
    return min(available_cores(), MOST_THREADS)


def _prepare(threads: int, device: Device) -> torch.device:
    """Set what is global in torch; raises `device` where there is no such one."""
    torch.set_num_threads(threads)
    if device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise EngineError("device", "This torch sees no CUDA device.", "Run with --device cpu.")
    return torch.device("cuda")


def _precision(options: Training, device: torch.device) -> Literal["fp32", "bf16"]:
    """`auto` depends on the hardware alone, never on timing: it changes results."""
    if options.precision != "auto":
        return options.precision
    return "bf16" if device.type == "cuda" and cuda_computes_in_bf16() else "fp32"


def plan_of(network: SequenceNetwork, options: Training, window: Window, rows: NDArray[np.int32], batch_size: int) -> Plan:
    """Which bars the steps of an epoch take, by `training.mode`."""
    if options.mode == "windowed":
        return Windowed(rows, window.length, batch_size)
    return Dense(window, rows, batch_size, min(batch_size, network.answers), network.lead)


def _log_scale(task: FitTask) -> Floats:
    if task.class_scale is None:
        return np.zeros(len(task.data.classes), dtype=np.float32)
    return np.log(task.class_scale).astype(np.float32)


def _sample(n: int, seed: int) -> NDArray[np.int32] | None:
    """Positions of some training rows, ascending; None: all, where they are few."""
    if n <= TRAIN_SAMPLE:
        return None
    chosen = np.random.default_rng(seed).choice(n, TRAIN_SAMPLE, replace=False)
    return np.sort(chosen).astype(np.int32)


def _train(
    job: Callable[[Snapshot], Job], begin: Snapshot, checkpoint: Checkpoint | None, warn: Callable[[str], None]
) -> tuple[Outcome, int]:
    """Train; where a GPU's memory runs out, once more with half the batch, from the last checkpoint if there is one."""
    batch_size = begin.progress.batch_size
    try:
        return train(job(begin)), batch_size
    except torch.OutOfMemoryError as error:
        if batch_size == 1:
            raise _out_of_memory(batch_size) from error
    torch.cuda.empty_cache()
    half = batch_size // 2
    warn(f"The GPU ran out of memory with a batch of {batch_size}: it was halved to {half}.")
    last = (checkpoint.read(begin) if checkpoint is not None else None) or begin
    progress = msgspec.structs.replace(last.progress, batch_size=half)
    try:
        return train(job(Snapshot(progress, last.weights, last.best, last.moments))), half
    except torch.OutOfMemoryError as error:
        raise _out_of_memory(half) from error


def _out_of_memory(batch_size: int) -> EngineError:
    return EngineError(
        "out_of_memory",
        f"The GPU ran out of memory, also with a batch of {batch_size}.",
        "Use a smaller training.batch_size or training.seq_len, or --device cpu.",
    )
