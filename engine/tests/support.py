"""What the tests share: a real worker to talk to, a small dataset, and jobs run in this process."""

from __future__ import annotations

import atexit
import importlib.util
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from foldwise_engine.errors import Cancelled
from foldwise_engine.jobs import Jobs, run_job
from foldwise_engine.protocol import (
    Calibrator,
    DoneEvent,
    Event,
    ExportRequest,
    ExportResult,
    FailedEvent,
    FitRequest,
    FitResult,
    FitRows,
    FitSteps,
    FitWindow,
    PredictRequest,
    Request,
    decode_event,
    encode,
)

ENGINE = Path(__file__).parents[1]
ROOT = ENGINE.parent
PATIENCE = 30.0
HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))
LEAD = 8
"""Rows before the first training row, so that a sequence model's first window is whole."""

Kind = TypeVar("Kind", bound=Event)


class TalkingWorker:
    """`python -m foldwise_engine`, as the pool starts it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            (sys.executable, "-m", "foldwise_engine"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ENGINE), "OMP_WAIT_POLICY": "passive"},
        )
        self._events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.noise: list[bytes] = []
        self._ears = [threading.Thread(target=target, daemon=True) for target in (self._listen, self._overhear)]
        for ear in self._ears:
            ear.start()

    def say(self, message: Request | bytes) -> None:
        """Send a request, or any bytes."""
        assert self.process.stdin is not None
        self.process.stdin.write(message if isinstance(message, bytes) else encode(message))
        self.process.stdin.flush()

    def hear(self, kind: type[Kind], request_id: str | None = None) -> Kind:
        """The next event of that kind (and id); others before it are passed over, all must be valid."""
        # A heart that beats is no answer.
        end = time.monotonic() + 4 * PATIENCE
        while time.monotonic() < end:
            event = decode_event(self._events.get(timeout=PATIENCE))
            if isinstance(event, FailedEvent) and kind is not FailedEvent and event.id == request_id:
                raise AssertionError(f"{event.code}: {event.message}\n{event.traceback}")
            if isinstance(event, kind) and (request_id is None or getattr(event, "id", None) == request_id):
                return event
        raise AssertionError(f"no {kind.__name__} of {request_id} in {4 * PATIENCE:.0f} seconds")

    def ends(self, *request_ids: str) -> dict[str, DoneEvent | FailedEvent]:
        """How these requests end, in whichever order."""
        ended: dict[str, DoneEvent | FailedEvent] = {}
        end = time.monotonic() + 4 * PATIENCE
        while ended.keys() != set(request_ids):
            assert time.monotonic() < end, f"of {request_ids} only {list(ended)} ended"
            event = decode_event(self._events.get(timeout=PATIENCE))
            if isinstance(event, DoneEvent | FailedEvent) and event.id in request_ids:
                ended[event.id] = event
        return ended

    def ask(self, request: Any) -> Any:
        """Send a request and return its result."""
        self.say(request)
        return self.hear(DoneEvent, request.id).result

    def end(self) -> int:
        """Close its input and wait."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        """End it whatever it does."""
        self.process.kill()
        self.process.wait()
        for ear in self._ears:  # they end with the streams; closing one under a reader is an error in its thread
            ear.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            if not stream.closed:
                stream.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(line)

    def _overhear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.noise.append(line)


@dataclass
class Quiet:
    """A caller in this process: remembers progress, cancels when told."""

    steps: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    cancel_at: int | None = None

    def check(self) -> None:
        """Cancel once progress has reached `cancel_at`."""
        if self.cancel_at is not None and self.steps and self.steps[-1][0] >= self.cancel_at:
            raise Cancelled

    def progress(self, step: int, total: int, metrics: Mapping[str, float], every: int | None = None) -> None:
        """Remember."""
        del every
        self.steps.append((step, total, dict(metrics)))


class Case:
    """A dataset on disk, and fits, predictions and exports of it."""

    def __init__(self, folder: Path, X: NDArray[np.float32], y: NDArray[np.int8]) -> None:
        self.folder, self.X, self.y = folder, X, y
        self.jobs = Jobs()
        self.caller = Quiet()
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "X.npy", X)
        self.labels(20, y)
        (folder / "X.npy").chmod(0o444)
        border = LEAD + int((len(X) - LEAD) * 0.8)
        self.train = np.arange(LEAD, border, dtype=np.int32)
        self.stop = np.arange(border, len(X), dtype=np.int32)
        self._fits = 0

    def labels(self, horizon: int, y: NDArray[np.int8]) -> None:
        """Write labels of a horizon."""
        np.save(self.folder / f"y_h{horizon}.npy", y)

    def request(self, model: str, **changes: Any) -> FitRequest:
        """A fit request; `train`, `stop`, `weights`, `piece`, `answer` are arrays, all else is the request's own field.

        A sequence model gets windows of its `seq_len`; training takes bars up to its last row.
        """
        self._fits += 1
        out = self.folder / f"out{self._fits}"
        out.mkdir()
        files: dict[str, str | None] = {}
        train = changes.get("train", self.train)
        cut = int(len(train) * 0.85)
        arrays = {
            "train": self.train,
            "stop": self.stop,
            "weights": None,
            "piece": None,
            "answer": None,
            "steps_fit": train[:cut] if model == "svm" else None,
            "steps_probability": train[cut:] if model == "svm" else None,
        }
        for name, default in arrays.items():
            array = changes.pop(name, default)
            path = self.folder / f"{name}{self._fits}.npy"
            if array is not None:
                np.save(path, array)
            files[name] = None if array is None else str(path)
        fit, probability = files["steps_fit"], files["steps_probability"]
        steps = None if fit is None or probability is None else FitSteps(fit=fit, probability=probability)
        training = changes.get("training", TRAINING.get(model, {}))
        window = None
        if model in NEURAL:
            begin, end = changes.pop("span", (0, int(train.max(initial=0)) + 1))
            window = FitWindow(
                length=training.get("seq_len", TRAINING[model]["seq_len"]), piece=files["piece"], start=begin, end=end
            )
        base: dict[str, Any] = {
            "id": f"fit{self._fits}",
            "model": model,
            "adapter": None,
            "dataset": str(self.folder),
            "horizon": 20,
            "rows": FitRows(train=str(files["train"]), stop=files["stop"]),
            "weights": files["weights"],
            "steps": steps,
            "params": PARAMS.get(model, {}),
            "training": training,
            "window": window,
            "answer": files["answer"],
            "seed": 7,
            "threads": 1,
            "device": "cpu",
            "out": str(out),
        }
        return msgspec.convert({**base, **changes, "rows": base["rows"]}, FitRequest)

    def fit(self, model: str, **changes: Any) -> Fit:
        """Fit in this process."""
        request = self.request(model, **changes)
        result = run_job(self.jobs, request, self.caller)
        assert isinstance(result, FitResult)
        return Fit(self, request, result)


@dataclass
class Fit:
    """A finished fit."""

    case: Case
    request: FitRequest
    result: FitResult

    @property
    def reach(self) -> int:
        """Rows that one answer takes."""
        return 1 if self.request.window is None else self.request.window.length

    @property
    def out(self) -> Path:
        """Where it was written."""
        return Path(self.request.out)

    @property
    def native(self) -> Path:
        """The engine's own file."""
        assert self.result.files.native is not None
        return self.out / self.result.files.native

    def array(self, name: str) -> NDArray[Any]:
        """One of its side files."""
        array: NDArray[Any] = np.load(self.out / name)
        return array

    def predict(self, X: NDArray[np.float32], jobs: Jobs | None = None, rows: NDArray[np.int32] | None = None) -> Any:
        """Predict by a predict job; fresh `jobs` read the native file."""
        x, p, r = (self.out / name for name in ("x.npy", "p.npy", "r.npy"))
        np.save(x, X)
        if rows is not None:
            np.save(r, rows)
        request = PredictRequest(
            id="p",
            model=self.request.model,
            adapter=self.request.adapter,
            model_dir=str(self.out),
            x=str(x),
            rows=None if rows is None else str(r),
            out=str(p),
            threads=1,
            device="cpu",
        )
        run_job(jobs or self.case.jobs, request, Quiet())
        return np.load(p)

    def export(
        self, class_scale: tuple[float, float, float] | None = None, calibrator: Calibrator | None = None
    ) -> tuple[Path, ExportResult]:
        """Write the graph."""
        path = self.out / "model.onnx"
        result = run_job(
            self.case.jobs,
            ExportRequest(
                id="e",
                model=self.request.model,
                adapter=self.request.adapter,
                model_dir=str(self.out),
                out=str(path),
                class_scale=class_scale,
                calibrator=calibrator,
            ),
            Quiet(),
        )
        assert isinstance(result, ExportResult)
        return path, result


@dataclass
class Fitted(Fit):
    """A fit that several tests look at and none changes; what it wrote, before anything was predicted in its folder."""

    written: frozenset[str] = frozenset()


FittedOf = Callable[[str], Fitted]
"""By the name of the model."""


TABULAR = ["xgboost", "lightgbm", "catboost", "random_forest", "logistic", "svm"]
NEURAL = ["lstm", "gru", "tcn", "transformer"]
MODELS = [
    *TABULAR,
    *(pytest.param(model, marks=pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed")) for model in NEURAL),
]
"""Every built-in model."""

PARAMS: dict[str, dict[str, Any]] = {
    "xgboost": {"max_depth": 3, "learning_rate": 0.2, "max_bin": 64, "subsample": 0.8, "colsample_bytree": 0.8},
    "lightgbm": {"num_leaves": 7, "learning_rate": 0.2, "max_bin": 63, "bagging_fraction": 0.8, "feature_fraction": 0.8},
    "catboost": {"depth": 3, "learning_rate": 0.2, "border_count": 64, "rsm": 0.8},
    "random_forest": {"n_estimators": 30, "max_depth": 6, "min_samples_leaf": 20},
    "logistic": {"C": 0.1},
    "svm": {"C": 1.0},
    "lstm": {"hidden_size": 12, "num_layers": 2, "dropout": 0.1},
    "gru": {"hidden_size": 12, "num_layers": 2, "dropout": 0.1},
    "tcn": {"channels": 12, "kernel_size": 3, "dropout": 0.1},
    "transformer": {"d_model": 12, "nhead": 2, "num_layers": 2, "dim_feedforward": 24, "dropout": 0.1},
}
EPOCHS = 5
TRAINING: dict[str, dict[str, Any]] = {
    **{model: {"num_boost_round": 40, "early_stopping_rounds": 5} for model in ("xgboost", "lightgbm", "catboost")},
    **{model: {"seq_len": 8, "max_epochs": EPOCHS, "patience": 3, "batch_size": 64, "lr": 0.03} for model in NEURAL},
}


def sample(n: int = 1200 + LEAD, features: int = 8, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Rows with a learnable signal; one column constant, one all NaN, one with holes."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, features)).astype(np.float32)
    score = X[:, 0] + 0.5 * X[:, 1] * X[:, 2] + random.normal(size=n)
    X[:, -1] = 7.25
    X[:, -2] = np.nan
    X[random.random(n) < 0.1, 0] = np.nan
    y = np.where(score > 0.6, 1, np.where(score < -0.6, -1, 0)).astype(np.int8)
    return X, y


class _Node:
    """One process of onnxruntime-node for all graphs of a test run: it starts at the first and ends with this process."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("onnx_predict.mjs")
        command = ("node", str(script))
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(self._process.communicate)

    def run(self, asked: list[str]) -> None:
        """Write the answers of a graph; raises with what the process said where it failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(asked) + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        said = self._process.stdout.readline() if ready else b"no answer"
        if said != b"done\n":
            self._process.kill()
            _node.cache_clear()  # the next one starts another
            raise AssertionError(said.decode())


@cache
def _node() -> _Node:
    return _Node()


def in_node(model: Path, X: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(raw, final) probabilities of onnxruntime-node; `X` is (n, F) or (n, T, F)."""
    files = [model.with_suffix(suffix) for suffix in (".in.f32", ".raw.f32", ".final.f32")]
    np.ascontiguousarray(X, dtype=np.float32).tofile(files[0])
    for file in files[1:]:
        file.unlink(missing_ok=True)
    _node().run([str(model), ",".join(map(str, X.shape)), *map(str, files)])
    raw, final = (np.fromfile(file, dtype=np.float32).reshape(-1, 3) for file in files[1:])
    return raw, final


def log_loss(p: NDArray[np.float32], y: NDArray[np.int8]) -> float:
    """Mean negative log-probability of the true class."""
    chosen = p[np.arange(len(y)), y.astype(int) + 1].astype(np.float64)
    return float(-np.log(np.clip(chosen, 1e-15, 1)).mean())
