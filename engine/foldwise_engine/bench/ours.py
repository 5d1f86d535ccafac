"""A fit by the adapter, as a worker does it, with the times of its epochs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from foldwise_engine.adapter import load_adapter
from foldwise_engine.bench.data import Task
from foldwise_engine.jobs import Jobs, run_job
from foldwise_engine.neural.adapter import plan_of
from foldwise_engine.neural.network import SequenceNetwork, Shape
from foldwise_engine.neural.options import Training
from foldwise_engine.protocol import FitRequest, FitResult, FitRows, FitWindow, PredictRequest
from foldwise_engine.windows import Window


class Clock:
    """A caller that notes when an epoch has ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.metrics: list[dict[str, float]] = []

    def check(self) -> None:
        """Nobody cancels."""

    def progress(self, _step: int, _total: int, metrics: Mapping[str, float], every: int | None = None) -> None:
        """An epoch has ended; its stop rows are answered."""
        del every
        self.ends.append(time.perf_counter())
        self.metrics.append(dict(metrics))


class Fitted(msgspec.Struct):
    """How a fit went."""

    epoch_seconds: float
    """Median of the epochs but the first: training, and the true windows of the stop rows."""
    train_seconds: float
    """Of these, training."""
    fit_seconds: float
    """Of the whole request: reading, training, answering for training and stop rows, writing."""
    epochs: int
    best_epoch: int
    stop_loss: float
    """The best."""
    test_loss: float | None
    """Of rows behind the stop rows, where they were asked for."""
    peak_memory_bytes: int
    bars: int
    """That an epoch's steps compute; a windowed one computes each bar T times."""
    parameters: int


def fit(task: Task) -> Fitted:
    """Fit; then answer for the test rows, where there are some."""
    X, y = task.arrays()
    train, stop = task.rows()
    clock, jobs = Clock(), Jobs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for rows, values in (("train", train), ("stop", stop)):
            np.save(folder / f"{rows}.npy", values)
        out = folder / "out"
        out.mkdir()
        training = {"seq_len": task.length, **task.training}
        request = FitRequest(
            id="fit",
            model=task.model,
            adapter=None,
            dataset=task.dataset,
            horizon=task.horizon,
            rows=FitRows(train=str(folder / "train.npy"), stop=str(folder / "stop.npy")),
            weights=None,
            params=task.params,
            training=training,
            seed=task.seed,
            threads=task.threads,
            device=task.device,
            out=str(out),
            window=FitWindow(length=task.length, piece=None, start=0, end=int(train[-1]) + 1),
        )
        start = time.perf_counter()
        result = run_job(jobs, request, clock)
        spent = time.perf_counter() - start
        if not isinstance(result, FitResult) or result.sequence is None:
            raise TypeError("a fit ends in a fit's result")
        test = np.arange(stop[-1] + 1, stop[-1] + 1 + task.test)
        loss = _loss(jobs, task, out, test, y) if task.test > 0 else None
    epochs = np.diff(clock.ends) if len(clock.ends) > 1 else [clock.ends[0] - start]
    samples = statistics.median(each["samples_per_second"] for each in clock.metrics[-len(epochs) :])
    options = msgspec.convert(training, Training)
    return Fitted(
        epoch_seconds=float(np.median(epochs)),
        train_seconds=len(train) / samples,
        fit_seconds=spent,
        epochs=result.total_epochs,
        best_epoch=result.best_epoch,
        stop_loss=min(each["stop_loss"] for each in clock.metrics),
        test_loss=loss,
        peak_memory_bytes=result.peak_memory_bytes,
        bars=_bars(task, options, train, X.shape[1]),
        parameters=result.sequence.parameters,
    )


def _loss(jobs: Jobs, task: Task, out: Path, rows: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    """The mean log-loss of rows' true windows."""
    np.save(out / "rows.npy", rows.astype(np.int32))
    request = PredictRequest(
        id="predict",
        model=task.model,
        adapter=None,
        model_dir=str(out),
        x=str(Path(task.dataset) / "X.npy"),
        rows=str(out / "rows.npy"),
        out=str(out / "p.npy"),
        threads=task.threads,
        device=task.device,
    )
    run_job(jobs, request, Clock())
    p = np.load(out / "p.npy").astype(np.float64)
    return float(-np.log(np.clip(p[np.arange(len(rows)), y[rows].astype(int) + 1], 1e-15, 1)).mean())


def _bars(task: Task, options: Training, train: np.ndarray[Any, Any], features: int) -> int:
    adapter: Any = load_adapter(task.model, None)
    network: SequenceNetwork = adapter.build(Shape(features, 3, task.length), adapter.parameters(task.params))
    window = Window(task.length, np.zeros(1, dtype=np.int64), 0, int(train[-1]) + 1)
    steps = plan_of(network, options, window, train, options.batch_size).epoch(np.random.default_rng(0))
    lost = task.length - network.receptive_field
    return sum(step.bars.shape[0] * (step.bars.shape[1] - lost) for step in steps)
