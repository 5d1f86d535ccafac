"""What lstm, gru, tcn and transformer share between the worker and the loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.data import BLOCK, Floats, Selection
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.neural.answers import Answers, probabilities
from foldwise_engine.neural.export import graph_of
from foldwise_engine.neural.loop import Loop, Precision
from foldwise_engine.neural.networks import Network
from foldwise_engine.neural.settings import Training
from foldwise_engine.protocol import SequenceFacts

KEY = "foldwise"
WORTH_THREADS = 50_000_000
"""Floating-point operations of a step, about a millisecond of one core."""
MOST_THREADS = 4
"""More do not make steps of 256 answers faster."""
SCORED = 8192
"""Training windows of a recurrent network that train loss and accuracy are taken on: each costs T steps."""


class Shape(msgspec.Struct):
    """What a native file needs beside its tensors."""

    network: str
    params: dict[str, Any]
    features: int
    classes: int
    seq_len: int


@dataclass(frozen=True)
class Model:
    """A network and what builds it again."""

    network: Network
    shape: Shape


class SequenceAdapter:
    """An adapter for one of the networks; `build` makes it from its parameters."""

    native_file = "model.safetensors"

    def __init__(self, name: str, params: type[msgspec.Struct], build: Callable[[Any, int, int, int], Network]) -> None:
        self._name, self._params, self._build = name, params, build

    def fit(self, task: FitTask) -> Fitted:
        """Scale, train, and answer training and stop windows at the best epoch."""
        training = settings(Training, task.training, "training")
        data = task.data
        device = self._device(task)
        torch.manual_seed(task.seed)
        start = time.perf_counter()
        shape = Shape(self._name, dict(task.params), data.train.features, len(data.classes), training.seq_len)
        network = self._network(shape)
        torch.set_num_threads(threads_for(network, training))
        median, mean, scale = _normalisation(data.train)
        network.normalise(median, mean, scale)
        network.to(device)
        if training.seq_len == 1:
            task.warn("Windows of one bar hold no sequence: a model of single rows learns the same for less.")
        ready = time.perf_counter()
        precision = _precision(training, device)
        loop = Loop(task, network, self._name, training, precision)
        trained = loop.run()
        done = time.perf_counter()
        if data.windows is None:
            raise EngineError("bad_request", f"{self._name} is fitted on windows; the request names none.")
        answers = Answers(network, data.windows, None, task.check)
        rows = data.train.rows.astype(np.int64)
        positions = None if network.exact else _sampled(len(rows), task.seed)
        p_train = answers.of(data.train.X, rows if positions is None else rows[positions])
        p_stop = None if data.stop is None else answers.of(data.stop.X, data.stop.rows.astype(np.int64))
        network.to("cpu").eval()
        return Fitted(
            model=Model(network, shape),
            p_train=p_train,
            p_stop=p_stop,
            train_positions=positions,
            best_epoch=trained.best_epoch,
            total_epochs=trained.epochs,
            early_stopped=trained.epochs < training.max_epochs,
            device=device,
            scaler={"median": median.tolist(), "mean": mean.tolist(), "scale": scale.tolist()},
            seconds={"data": ready - start, "train": done - ready},
            sequence=SequenceFacts(
                mode=training.mode,
                precision=precision,
                batch_size=trained.batch_size,
                parameters=sum(p.numel() for p in network.parameters()),
                receptive_field=network.receptive_field,
                resumed_from=trained.resumed_from,
            ),
        )

    def save(self, model: Model, path: Path) -> None:
        """Tensors, and the network's shape as JSON; no code."""
        tensors = {name: tensor.detach().clone().contiguous() for name, tensor in model.network.state_dict().items()}
        save_file(tensors, str(path), metadata={KEY: msgspec.json.encode(model.shape).decode()})

    def load(self, path: Path, threads: int, device: Device) -> Model:
        """Build the network that the file names, and fill it; every tensor must have its place and shape."""
        del threads, device
        try:
            with safe_open(str(path), framework="pt") as file:
                shape = msgspec.json.decode((file.metadata() or {}).get(KEY, ""), type=Shape)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            if shape.network != self._name:
                raise EngineError("bad_data", f"{path} holds a {shape.network}, not a {self._name}.")
            network = self._network(shape)
            network.load_state_dict(tensors)
        except (OSError, SafetensorError, msgspec.DecodeError, RuntimeError, ValueError) as error:
            raise EngineError("bad_data", f"{path} is no model of {self._name}: {error}") from error
        return Model(network.eval(), shape)

    def predict(self, model: Model, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, T, F) → (n, K)."""
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return probabilities(model.network.eval().window(torch.from_numpy(X)))

    def export_onnx(self, model: Model, features: int, classes: int) -> ProbabilityGraph:
        """By hand: small graphs that compute what the newest bar needs, without an exporter's seconds."""
        del features, classes
        return graph_of(model.network)

    def _network(self, shape: Shape) -> Network:
        params = settings(self._params, shape.params, "model_params")
        return self._build(params, shape.features, shape.classes, shape.seq_len)

    def _device(self, task: FitTask) -> Device:
        if task.device == "cuda" and not torch.cuda.is_available():
            task.warn("CUDA is not available to torch here: the CPU was used.")
            return "cpu"
        return task.device


def threads_for(network: Network, training: Training) -> int:
    """By the network's size and the machine, never by how many workers share it: sums depend on it in their last bits.

    One for a network whose step is done sooner than two threads have met.
    """
    bars = training.batch_size * (training.seq_len if training.mode == "windowed" else 2)
    operations = 6 * bars * sum(p.numel() for p in network.parameters())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS) if operations > WORTH_THREADS else 1


def _precision(training: Training, device: Device) -> Precision:
    """What `auto` means here; never chosen by timing, which would change results."""
    if training.precision != "auto":
        return training.precision
    return "bf16" if device == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def _sampled(rows: int, seed: int) -> NDArray[np.int64] | None:
    if rows <= SCORED:
        return None
    chosen: NDArray[np.int64] = np.sort(np.random.default_rng(seed).choice(rows, SCORED, replace=False))
    return chosen


def _normalisation(train: Selection) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Median, mean and standard deviation of the training rows, some columns at a time; 0, 0, 1 for an empty column."""
    F = train.features
    median, mean, scale = np.zeros(F), np.zeros(F), np.ones(F)
    width = max(1, BLOCK * 64 // max(1, len(train)) + 1)
    for start in range(0, F, width):
        columns = slice(start, min(start + width, F))
        values = np.asarray(train.X[train.rows, columns], dtype=np.float64)
        missing = np.isnan(values)
        empty = missing.all(axis=0)
        values[:, empty] = 0
        missing[:, empty] = False
        own = np.nanmedian(values, axis=0)
        values = np.where(missing, own, values)
        median[columns], mean[columns] = own, values.mean(axis=0)
        spread = values.std(axis=0)
        scale[columns] = np.where(spread > 0, spread, 1)
    limit = np.finfo(np.float32).max / 1e6
    too_large = np.flatnonzero(~(np.isfinite(mean) & np.isfinite(scale) & (np.abs(mean) < limit) & (scale < limit)))
    if too_large.size:
        raise EngineError(
            "bad_data",
            f"Feature {too_large[0] + 1} holds values too large to be standardised.",
            "Scale or clip the column.",
        )
    return median, mean, scale
