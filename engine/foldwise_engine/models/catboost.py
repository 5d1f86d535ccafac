"""Gradient-boosted oblivious trees (CatBoost MultiClass), stopped early by the unweighted log-loss of what is served.

A `Pool` cannot be given other labels, so four horizons cannot share one; what they share is the borders of the bins, which
depend on neither labels nor weights. CatBoost bins within `fit`: a pool binned beforehand takes 0.2 s more at 73 000 × 180
and trains 1 to 3 % slower.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import catboost as cb
import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.cache import ByteCache
from foldwise_engine.data import Floats, Selection
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.export.trees import softmax_of_trees
from foldwise_engine.process import cuda_devices, memory_share

CACHE_SHARE = 64
"""The borders of all workers hold at most this fraction of the machine's memory; a set of them is about a megabyte."""

BORDER_ROWS = 200_000
"""Of more training rows CatBoost draws so many, by the seed, to find borders: dev_max_subset_size_for_build_borders."""

LOSS = "MultiClass"
STOP_LOSS = f"{LOSS}:hints=skip_train~true"
"""The training rows' loss of every round is of no use here; left out, the trees are the same."""

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
AtLeastZero = Annotated[float, msgspec.Meta(ge=0)]


class Params(msgspec.Struct, forbid_unknown_fields=True):
    """`model_params`: CatBoost's own names and meanings."""

    loss_function: Literal["MultiClass"] = "MultiClass"
    classes_count: Literal[3] = 3
    eval_metric: Literal["MultiClass"] = "MultiClass"
    grow_policy: Literal["SymmetricTree"] = "SymmetricTree"
    boosting_type: Literal["Plain", "Ordered"] = "Plain"
    learning_rate: Share = 0.1
    depth: Annotated[int, msgspec.Meta(ge=1, le=16)] = 6
    l2_leaf_reg: AtLeastZero = 3.0
    rsm: Share = 1.0
    bootstrap_type: Literal["Bayesian", "Bernoulli", "MVS", "No"] = "Bayesian"
    subsample: Share | None = None
    bagging_temperature: AtLeastZero | None = None
    random_strength: AtLeastZero = 1.0
    leaf_estimation_iterations: Annotated[int, msgspec.Meta(ge=1)] = 1
    border_count: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 254


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training` of the YAML."""

    num_boost_round: Annotated[int, msgspec.Meta(ge=1)] = 1000
    early_stopping_rounds: Annotated[int, msgspec.Meta(ge=1)] | None = 50


class _EveryRound:
    """Hears cancelling and tells of progress. CatBoost turns an exception here into text, so it is kept and raised later."""

    def __init__(self, task: FitTask, total: int) -> None:
        self._task = task
        self._total = total
        self.failure: EngineError | None = None

    def after_iteration(self, info: Any) -> bool:
        """False: stop."""
        losses = info.metrics.get("validation", {}).get(LOSS, ())
        self._task.progress(info.iteration, self._total, {"stop_loss": float(losses[-1])} if losses else {})
        try:
            self._task.check()
        except EngineError as failure:
            self.failure = failure
        return self.failure is None


class CatBoostAdapter:
    """See the module."""

    native_file = "model.cbm"

    def __init__(self, cache_bytes: int | None = None) -> None:
        budget = memory_share(CACHE_SHARE) if cache_bytes is None else cache_bytes
        self.cache: ByteCache[bytes] = ByteCache(budget)

    def fit(self, task: FitTask) -> Fitted:
        """Bin (by kept borders where there are any), train, and score train and stop rows at the best round."""
        params = settings(Params, task.params, "model_params")
        training = settings(Training, task.training, "training")
        data = task.data
        device = self._device(task)
        start = time.perf_counter()
        train = _pool(task, data.train, data.y, data.weights, log_scale=None)
        log_scale = None if task.class_scale is None else np.log(task.class_scale)
        stop = None if data.stop is None else _pool(task, data.stop, data.y_stop, None, log_scale)
        data.train.release()  # the pools hold copies
        task.check()
        ready = time.perf_counter()
        stops = stop is not None and training.early_stopping_rounds is not None
        every_round = _EveryRound(task, training.num_boost_round)
        with tempfile.TemporaryDirectory(prefix="foldwise-") as folder:
            borders, keep = self._borders(task, params, Path(folder))
            model = cb.CatBoost(
                {
                    **_engine_params(params, task, device),
                    **borders,
                    "train_dir": folder,
                    "iterations": training.num_boost_round,
                    "use_best_model": stops,
                    **({"od_type": "Iter", "od_wait": training.early_stopping_rounds} if stops else {}),
                }
            )
            # CatBoost takes no callbacks on CUDA: nothing is heard or told there until the fit ends.
            model.fit(train, eval_set=stop, callbacks=None if device == "cuda" else [every_round])
            if every_round.failure is not None:
                raise every_round.failure
            reused = keep()
        trained = time.perf_counter()
        history = model.get_evals_result().get("validation", {}).get(LOSS, ())
        rounds = len(history) if stop is not None else model.tree_count_
        importance = (
            None
            if task.answers_only
            else np.asarray(model.get_feature_importance(type="PredictionValuesChange"), dtype=np.float64)
        )
        return Fitted(
            model=model,
            # The pool answers three times as fast as the array. (Stop rows may carry a baseline, which CatBoost would add.)
            p_train=None
            if task.answers_only
            else model.predict(train, prediction_type="Probability", thread_count=task.threads),
            p_stop=None if data.stop is None else self.predict(model, data.stop.take(), task.threads),
            best_epoch=model.tree_count_,
            total_epochs=rounds,
            early_stopped=rounds < training.num_boost_round,
            device=device,
            quantised="reused" if reused else "built",
            importance=importance if importance is not None and importance.sum() > 0 else None,
            importance_kind="prediction_values_change",
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: cb.CatBoost, path: Path) -> None:
        """Write CatBoost's binary format."""
        model.save_model(str(path), format="cbm")

    def load(self, path: Path, threads: int, device: Device) -> cb.CatBoost:
        """Read a model that `save` wrote."""
        del threads, device
        model = cb.CatBoost()
        try:
            model.load_model(str(path), format="cbm")
        except cb.CatBoostError as error:
            raise EngineError("bad_data", f"{path} is not a CatBoost model: {error}") from error
        return model

    def predict(self, model: cb.CatBoost, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, F) → (n, K); NaN counts as less than any number."""
        return np.asarray(model.predict(X, prediction_type="Probability", thread_count=threads))

    def export_onnx(self, model: cb.CatBoost, features: int, classes: int) -> ProbabilityGraph:
        """CatBoost's own export, of which only the trees are kept: its ZipMap makes a dictionary of every row."""
        del features
        with tempfile.TemporaryDirectory(prefix="foldwise-") as folder:
            path = Path(folder) / "model.onnx"
            model.save_model(str(path), format="onnx")
            exported = onnx.load(path)
        trees = next(node for node in exported.graph.node if node.op_type == "TreeEnsembleClassifier")
        scale, bias = model.get_scale_and_bias()
        if scale != 1:  # never seen of a MultiClass model; parity would refuse what it makes of the leaves
            raise EngineError("internal", f"The model scales its trees by {scale}; the graph would not.")
        margins = np.broadcast_to(bias, classes).astype(np.float32).tolist()
        trees.attribute.append(helper.make_attribute("base_values", margins))
        part = softmax_of_trees(trees, classes)
        return replace(part, borders=_between_numbers(part.borders))

    def _device(self, task: FitTask) -> Device:
        if task.device == "cuda" and cuda_devices() == 0:
            task.warn("CUDA is not available to CatBoost here: the CPU was used.")
            return "cpu"
        return task.device

    def _borders(self, task: FitTask, params: Params, folder: Path) -> tuple[dict[str, str], Callable[[], bool]]:
        """What the engine is told of borders; and, to be called after the fit: keeps new ones, True where they were kept."""
        rows = task.data.train
        key: Hashable = (rows.key, params.border_count, task.seed if len(rows) > BORDER_ROWS else None)
        kept, path = self.cache.get(key), folder / "borders.tsv"
        if kept is not None:
            path.write_bytes(kept)
            return {"input_borders": str(path)}, lambda: True

        def keep() -> bool:
            if path.exists():  # a fit that wrote none is whole all the same; the next one finds its own
                written = path.read_bytes()
                self.cache.put(key, written, len(written))
            return False

        return {"output_borders": path.name}, keep


def _pool(
    task: FitTask,
    rows: Selection,
    y: NDArray[np.int32] | None,
    weights: Floats | None,
    log_scale: NDArray[np.float64] | None,
) -> cb.Pool:
    """Rows as CatBoost takes them.

    What is served is p times the class scale, renormalised: the softmax of the margins plus the scale's logarithm. So a
    baseline of that makes CatBoost's own loss that of what is served. It wants a baseline of both sets or of none, so the
    training rows get zeros.
    """
    baseline = None
    if task.class_scale is not None:
        scale = np.zeros(len(task.data.classes)) if log_scale is None else log_scale
        baseline = np.tile(scale, (len(rows), 1))
    return cb.Pool(rows.take(), y, weight=weights, baseline=baseline, thread_count=task.threads)


def _engine_params(params: Params, task: FitTask, device: Device) -> dict[str, Any]:
    asked = {name: value for name, value in msgspec.structs.asdict(params).items() if value is not None}
    if device == "cuda" and asked.pop("rsm") != 1:
        task.warn("CatBoost draws no features (rsm) on CUDA: all were used.")
    return {
        **asked,
        "loss_function": LOSS,
        "classes_count": len(task.data.classes),
        "eval_metric": STOP_LOSS,
        "task_type": "GPU" if device == "cuda" else "CPU",
        "thread_count": task.threads,
        "random_seed": task.seed % 2**31,
        "logging_level": "Silent",
        "allow_writing_files": False,
    }


def _between_numbers(borders: Floats | None) -> Floats | None:
    """Without the lowest float32, by which CatBoost splits NaN from all numbers: below it there is none to try."""
    return None if borders is None else borders[borders[:, 1] > np.finfo(np.float32).min]


ADAPTER = CatBoostAdapter()
