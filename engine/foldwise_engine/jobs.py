"""The three jobs. Each opens what its request names, lets the adapter work, and leaves whole files behind."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from foldwise_engine import __version__, process
from foldwise_engine.adapter import Adapter, Device, FitTask, Fitted, load_adapter
from foldwise_engine.data import FitData, Selection, open_features, open_fit_data, open_rows, widen
from foldwise_engine.errors import EngineError
from foldwise_engine.files import write_bytes, write_json, write_npy, write_via
from foldwise_engine.protocol import (
    ClassScale,
    ExportRequest,
    ExportResult,
    FitFiles,
    FitRequest,
    FitResult,
    FitSeconds,
    Importance,
    Job,
    PredictRequest,
    PredictResult,
)
from foldwise_engine.windows import window_blocks

FACTS_FILE = "fit.json"
PREDICT_BLOCK = 65_536
MODELS_KEPT = 8


class Caller(Protocol):
    """A job's way back to whoever asked for it."""

    def check(self) -> None:
        """Raises `Cancelled` when the job is no longer wanted."""
        ...

    def progress(self, step: int, total: int, metrics: Mapping[str, float], every: int | None = None) -> None:
        """Tell how far it is; throttled, but for every `every` steps."""
        ...


class Facts(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`fit.json`: what reading a native file back needs to know."""

    format: Literal[1] = 1
    engine: str
    model: str
    native: str
    classes: tuple[Literal[-1, 0, 1], ...]
    features: int
    best_epoch: int
    seq_len: int | None = None
    """Bars of a window; None: the model answers for a row by itself."""


@dataclass(frozen=True)
class Held:
    """A fitted model in memory, with the state of the `fit.json` it belongs to."""

    model: Any
    state: tuple[int, int]


class Jobs:
    """Runs one job at a time and keeps the last fitted models, so that predicting and exporting need not read them."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, str | None, Path], Held] = OrderedDict()

    def forget(self) -> None:
        """Keep no model: they are read again from their files."""
        self._held.clear()

    def fit(self, request: FitRequest, adapter: Adapter, caller: Caller) -> FitResult:
        """Fit, then write answers into `out`; unless only those are wanted, also the native file and its side files."""
        process.reset_peak_memory()
        start = time.perf_counter()
        out = Path(request.out)
        if not out.is_dir():
            raise EngineError("bad_request", f"{out} is not a folder.")
        checkpoint = None if request.checkpoint is None else Path(request.checkpoint)
        if checkpoint is not None and not checkpoint.is_dir():
            raise EngineError("bad_request", f"{checkpoint} is not a folder.")
        rows = request.rows
        steps = None if request.steps is None else (request.steps.fit, request.steps.probability)
        data = open_fit_data(request.dataset, request.horizon, rows.train, rows.stop, request.weights, steps, request.window)
        warnings: list[str] = []
        opened = time.perf_counter()
        fitted = adapter.fit(
            FitTask(
                data=data,
                params=request.params,
                training=request.training,
                seed=request.seed,
                threads=request.threads,
                device=request.device,
                check=caller.check,
                progress=partial(caller.progress, every=request.report_every),
                warn=warnings.append,
                class_scale=_scale_of(request.class_scale, data.classes),
                checkpoint=checkpoint,
                answers_only=request.answers_only,
            )
        )
        caller.check()
        p_train = None if request.answers_only else fitted.p_train
        if p_train is None and not request.answers_only:
            raise EngineError("internal", f"The adapter of {request.model} gave no probabilities of the training rows.")
        stop = None if fitted.p_stop is None else _write_answers(out, "stop", widen(fitted.p_stop, data.classes))
        answer = None
        if request.answer is not None:
            seq_len = None if data.window is None else data.window.length
            wanted = _rows_to_answer(request.answer, len(data.train.X), seq_len, request.dataset)
            asked = _Answers(adapter, fitted.model, data.classes, seq_len, request.threads)
            selection = Selection(data.train.X, wanted, data.train.origin)
            answer = _write_answers(out, "answer", asked.of(selection, caller.check))
        files, importance = FitFiles(native=None, scaler=None, train=None, stop=stop, answer=answer), None
        if p_train is not None:
            files = msgspec.structs.replace(files, **self._write_model(request, adapter, data, fitted, p_train))
            importance = _write_importance(out, fitted)
        end = time.perf_counter()
        reading = opened - start + fitted.seconds.get("data", 0.0)
        training = fitted.seconds.get("train", 0.0)
        return FitResult(
            best_epoch=fitted.best_epoch,
            total_epochs=fitted.total_epochs,
            early_stopped=fitted.early_stopped,
            classes=list(data.classes),  # type: ignore[arg-type]
            seconds=FitSeconds(data=reading, train=training, finish=max(0.0, end - start - reading - training)),
            files=files,
            importance=importance,
            device=fitted.device,
            quantised=fitted.quantised,
            peak_memory_bytes=process.peak_memory(),
            warnings=warnings,
            sequence=fitted.sequence,
        )

    def _write_model(
        self, request: FitRequest, adapter: Adapter, data: FitData, fitted: Fitted, p_train: NDArray[np.floating[Any]]
    ) -> dict[str, str | None]:
        """Write the native file and what belongs to it, and keep the model; the files' names."""
        out = Path(request.out)
        write_via(out / adapter.native_file, lambda path: adapter.save(fitted.model, path))
        train = _write_answers(out, "train", widen(p_train, data.classes))
        if fitted.train_rows is not None:
            write_npy(out / "train_rows.npy", fitted.train_rows)
        if fitted.scaler is not None:
            write_json(out / "scaler.json", fitted.scaler)
        facts = Facts(
            engine=__version__,
            model=request.model,
            native=adapter.native_file,
            classes=data.classes,  # type: ignore[arg-type]
            features=data.train.features,
            best_epoch=fitted.best_epoch,
            seq_len=None if data.window is None else data.window.length,
        )
        write_bytes(out / FACTS_FILE, msgspec.json.format(msgspec.json.encode(facts)) + b"\n")
        self._hold(request, out, fitted.model)
        return {
            "native": adapter.native_file,
            "scaler": None if fitted.scaler is None else "scaler.json",
            "train": train,
            "train_rows": None if fitted.train_rows is None else "train_rows.npy",
        }

    def predict(self, request: PredictRequest, adapter: Adapter, caller: Caller) -> PredictResult:
        """Write raw probabilities, a block of rows at a time."""
        facts, model = self._load(request, adapter, request.threads, request.device)
        X, origin = open_features(Path(request.x))
        if X.shape[1] != facts.features:
            raise EngineError("bad_data", f"{request.x} has {X.shape[1]} columns; the model takes {facts.features}.")
        rows = _rows_to_answer(request.rows, len(X), facts.seq_len, request.x)
        answers = _Answers(adapter, model, facts.classes, facts.seq_len, request.threads)
        tell = partial(caller.progress, metrics={})
        write_npy(Path(request.out), answers.of(Selection(X, rows, origin), caller.check, tell))
        return PredictResult(rows=len(rows))

    def export(self, request: ExportRequest, adapter: Adapter, caller: Caller) -> ExportResult:
        """Write the ONNX graph and, for trees, the borders on which parity is checked."""
        from foldwise_engine.export.graph import OPSET, complete_graph

        facts, model = self._load(request, adapter, 1, "cpu")
        caller.check()
        part = adapter.export_onnx(model, facts.features, len(facts.classes))
        caller.check()
        _scale_of(request.class_scale, facts.classes)
        graph = complete_graph(
            part,
            request.model,
            facts.features,
            facts.classes,
            request.class_scale,
            seq_len=facts.seq_len,
            calibrator=request.calibrator,
        )
        out = Path(request.out)
        borders = None
        if part.borders is not None:
            borders = f"{out.stem}.borders.npy"
            write_npy(out.with_name(borders), part.borders)
        write_bytes(out, graph.SerializeToString())
        return ExportResult(opset=OPSET, borders=borders)

    def _load(
        self, request: PredictRequest | ExportRequest, adapter: Adapter, threads: int, device: Device
    ) -> tuple[Facts, Any]:
        """The model of `model_dir`, from memory if it was fitted or read here and its files are still the same."""
        folder = Path(request.model_dir)
        facts = read_facts(folder)
        if facts.model != request.model or facts.native != adapter.native_file:
            raise EngineError("bad_request", f"{folder} holds a model of {facts.model}, not of {request.model}.")
        key = (request.model, request.adapter, folder.resolve())
        held = self._held.get(key)
        if held is not None and held.state == _state(folder):
            self._held.move_to_end(key)
            return facts, held.model
        native = folder / facts.native
        if not native.is_file():
            raise EngineError("bad_data", f"{native} is missing.")
        model = adapter.load(native, threads, device)
        self._hold(request, folder, model)
        return facts, model

    def _hold(self, request: Job, folder: Path, model: Any) -> None:
        key = (request.model, request.adapter, folder.resolve())
        self._held[key] = Held(model, _state(folder))
        self._held.move_to_end(key)
        while len(self._held) > MODELS_KEPT:
            self._held.popitem(last=False)


@dataclass(frozen=True)
class _Answers:
    """A model and what it takes to ask it: the one way to answers, from a fit and from a `predict`."""

    adapter: Adapter
    model: Any
    classes: tuple[int, ...]
    seq_len: int | None
    threads: int

    def of(
        self, rows: Selection, check: Callable[[], None], tell: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """(n, 3) raw probabilities, a block of rows at a time."""
        out = np.empty((len(rows), 3), dtype=np.float32)
        done = 0
        blocks = rows.blocks(PREDICT_BLOCK) if self.seq_len is None else window_blocks(rows.X, rows.rows, self.seq_len)
        for block in blocks:
            check()
            out[done : done + len(block)] = widen(self.adapter.predict(self.model, block, self.threads), self.classes)
            done += len(block)
            if tell is not None:
                tell(done, len(rows))
        return out


def _rows_to_answer(path: str | None, total: int, seq_len: int | None, x: str) -> NDArray[np.int32]:
    """The rows of `x` that are asked for; of a sequence model, those that have the rows of a window behind them."""
    first = 0 if seq_len is None else seq_len - 1
    if path is None:
        if seq_len is not None and total < seq_len:
            raise EngineError("bad_data", f"{x} has {total} rows; a window takes {seq_len}.")
        return np.arange(first, total, dtype=np.int32)
    rows = open_rows(path, total)
    if int(rows.min()) < first:
        raise EngineError(
            "bad_data",
            f"{path} names row {rows.min()}; the first window of {seq_len} rows ends with row {first}.",
        )
    return rows


def _scale_of(scale: ClassScale | None, classes: Sequence[int]) -> NDArray[np.float64] | None:
    """(K,) factors of the classes that training had; they must be above 0."""
    if scale is None:
        return None
    factors = np.array([scale[label + 1] for label in classes], dtype=np.float64)
    if not bool(np.all(factors > 0)):
        raise EngineError("bad_request", f"class_scale is {list(scale)}; factors must be above 0.")
    return factors


def _write_answers(out: Path, kind: str, p: NDArray[np.float32]) -> str:
    name = f"p_{kind}.npy"
    write_npy(out / name, p)
    return name


def _write_importance(out: Path, fitted: Fitted) -> Importance | None:
    if fitted.importance is None:
        return None
    shares = np.asarray(fitted.importance, dtype=np.float64)
    write_npy(out / "importance.npy", shares / shares.sum())
    return Importance(kind=fitted.importance_kind, file="importance.npy")


def read_facts(folder: Path) -> Facts:
    """Read `fit.json`; raises `bad_data`."""
    try:
        return msgspec.json.decode((folder / FACTS_FILE).read_bytes(), type=Facts)
    except (OSError, msgspec.DecodeError) as error:
        raise EngineError("bad_data", f"{folder} holds no model that was fitted here: {error}") from error


def _state(folder: Path) -> tuple[int, int]:
    state = (folder / FACTS_FILE).stat()
    return (state.st_ino, state.st_mtime_ns)


def run_job(jobs: Jobs, request: Job, caller: Caller) -> FitResult | PredictResult | ExportResult:
    """Load the adapter, and with it its engine; then limit the thread pools that exist by now, and run."""
    adapter = load_adapter(request.model, request.adapter)
    from threadpoolctl import threadpool_limits

    threads = request.threads if not isinstance(request, ExportRequest) else 1
    with threadpool_limits(limits=threads):
        match request:
            case FitRequest():
                return jobs.fit(request, adapter, caller)
            case PredictRequest():
                return jobs.predict(request, adapter, caller)
            case ExportRequest():
                return jobs.export(request, adapter, caller)
