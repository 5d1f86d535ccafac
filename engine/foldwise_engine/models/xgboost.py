"""Gradient-boosted trees (XGBoost, histogram method), stopped early by the unweighted log-loss of what is served.

Features are binned without weights and labels, which are set afterwards: one quantised matrix serves every horizon and
every trial on the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.cache import ByteCache
from foldwise_engine.data import Floats, Selection
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.export.trees import softmax_of_trees
from foldwise_engine.lean import ENGINES
from foldwise_engine.process import cuda_devices, memory_share

with ENGINES.importing("xgboost"):
    import xgboost as xgb

CACHE_SHARE = 8
"""The quantised matrices of all workers hold at most this fraction of the machine's memory."""

DEFAULT_MAX_BIN = 256

METRIC = "mlogloss"


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training` of the YAML."""

    num_boost_round: Annotated[int, msgspec.Meta(ge=1)] = 1000
    early_stopping_rounds: Annotated[int, msgspec.Meta(ge=1)] | None = 50
    verbose_eval: Any = None
    """Known from XGBoost's own files; has no effect here."""


class _Blocks(xgb.DataIter):
    """Hands rows to XGBoost a block at a time, so that no copy of the features is ever whole; and hears cancelling."""

    def __init__(self, rows: Selection, check: Callable[[], None]) -> None:
        super().__init__()
        self._rows = rows
        self._check = check
        self._blocks = rows.blocks()

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Feed one block; False at the end."""
        self._check()
        block = next(self._blocks, None)
        if block is None:
            return False
        input_data(data=block)
        return True

    def reset(self) -> None:
        """Begin again: XGBoost passes over the data several times."""
        self._blocks = self._rows.blocks()


class _EveryRound(xgb.callback.TrainingCallback):
    """Hears cancelling and tells of progress; cheap, since it runs in every round."""

    def __init__(self, task: FitTask, total: int) -> None:
        super().__init__()
        self._task = task
        self._total = total

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> bool:
        """False: go on."""
        del model
        self._task.check()
        losses = evals_log["stop"][METRIC] if evals_log else ()
        self._task.progress(epoch + 1, self._total, {"stop_loss": float(losses[-1])} if losses else {})
        return False


class XGBoostAdapter:
    """See the module."""

    native_file = "model.ubj"
    _reserved: ClassVar[frozenset[str]] = frozenset({"nthread", "n_jobs", "seed", "random_state", "device", "verbosity"})

    def __init__(self, cache_bytes: int | None = None) -> None:
        budget = memory_share(CACHE_SHARE) if cache_bytes is None else cache_bytes
        self.cache: ByteCache[xgb.QuantileDMatrix] = ByteCache(budget)

    def fit(self, task: FitTask) -> Fitted:
        """Bin (or reuse), train, and score train and stop rows at the best round."""
        training = settings(Training, task.training, "training")
        data = task.data
        params = self._params(task)
        start = time.perf_counter()
        train, reused = self._matrix(task, data.train, params)
        train.set_label(data.y)
        # A matrix from the cache still has the weights of its last fit.
        train.set_weight(np.ones(len(data.y), np.float32) if data.weights is None else data.weights)
        stop: xgb.QuantileDMatrix | None = None
        if data.stop is not None:
            stop, _ = self._matrix(task, data.stop, params, train)
            stop.set_label(data.y_stop)
        task.check()
        ready = time.perf_counter()
        booster, history = self._train(task, training, params, train, stop)
        trained = time.perf_counter()
        rounds = booster.num_boosted_rounds()
        best = rounds
        if stop is not None and training.early_stopping_rounds is not None:
            best = int(np.argmin(history)) + 1
        span = (0, best)
        p_train = None if task.answers_only else booster.predict(train, iteration_range=span)
        p_stop = None if stop is None else booster.predict(stop, iteration_range=span)
        model = booster[:best]
        model.feature_names = None
        return Fitted(
            model=model,
            p_train=p_train,
            p_stop=p_stop,
            best_epoch=best,
            total_epochs=rounds,
            early_stopped=rounds < training.num_boost_round,
            device="cuda" if params["device"] == "cuda" else "cpu",
            quantised="reused" if reused else "built",
            importance=None if task.answers_only else _total_gain(model, data.train.features),
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: xgb.Booster, path: Path) -> None:
        """Write XGBoost's binary JSON."""
        model.save_model(path)

    def load(self, path: Path, threads: int, device: Device) -> xgb.Booster:
        """Read a model that `save` wrote."""
        model = xgb.Booster(model_file=path)
        model.set_param({"nthread": threads, "device": device if device == "cpu" or _has_cuda() else "cpu"})
        return model

    def predict(self, model: xgb.Booster, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, F) → (n, K); NaN goes each split's default way."""
        model.set_param({"nthread": threads})
        probabilities: NDArray[np.floating[Any]] = model.inplace_predict(X, validate_features=False)
        return probabilities

    def export_onnx(self, model: xgb.Booster, features: int, classes: int) -> ProbabilityGraph:
        """Convert by onnxmltools; its newest opset for the default domain is 15, which a lone tree node does not use."""
        from onnxmltools.convert import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        # A booster that was loaded has no num_class among its Python attributes; onnxmltools reads the JSON configuration.
        converted = convert_xgboost(model, initial_types=[("X", FloatTensorType([None, features]))], target_opset=15)
        return softmax_of_trees(converted.graph.node[0], classes)

    def _params(self, task: FitTask) -> dict[str, Any]:
        params = {key: value for key, value in task.params.items() if key not in self._reserved}
        params.pop("eval_metric", None)
        if params.get("objective", "multi:softprob") != "multi:softprob":
            raise EngineError("bad_parameter", f"objective is {params['objective']!r}; allowed is multi:softprob.")
        device = task.device
        if params.get("tree_method", "hist") not in ("hist", "gpu_hist"):
            raise EngineError("bad_parameter", f"tree_method is {params['tree_method']!r}; allowed is hist.")
        if params.get("tree_method") == "gpu_hist":
            task.warn('tree_method "gpu_hist" is an old spelling of hist on CUDA.')
            device = "cuda"
        if device == "cuda" and not _has_cuda():
            task.warn("CUDA is not available to XGBoost here: the CPU was used.")
            device = "cpu"
        return {
            **params,
            "objective": "multi:softprob",
            "num_class": len(task.data.classes),
            **({"eval_metric": METRIC} if task.class_scale is None else {"disable_default_eval_metric": True}),
            "tree_method": "hist",
            "max_bin": params.get("max_bin", DEFAULT_MAX_BIN),
            "device": device,
            "nthread": task.threads,
            "seed": task.seed,
            "verbosity": 1,
        }

    def _matrix(
        self, task: FitTask, rows: Selection, params: Mapping[str, Any], ref: xgb.QuantileDMatrix | None = None
    ) -> tuple[xgb.QuantileDMatrix, bool]:
        """The binned rows, and whether they were in the cache. Stop rows are binned by the borders of `ref`."""
        key: Hashable = (rows.key, params["max_bin"], params["device"], None if ref is None else task.data.train.key)
        kept = self.cache.get(key)
        if kept is not None:
            return kept, True
        cells = len(rows) * rows.features
        self.cache.make_room(_bytes(cells, cells))
        blocks = _Blocks(rows, task.check)
        matrix = xgb.QuantileDMatrix(blocks, max_bin=params["max_bin"], ref=ref, nthread=task.threads)
        self.cache.put(key, matrix, _bytes(cells, matrix.num_nonmissing()))
        return matrix, False

    def _train(
        self,
        task: FitTask,
        training: Training,
        params: Mapping[str, Any],
        train: xgb.QuantileDMatrix,
        stop: xgb.QuantileDMatrix | None,
    ) -> tuple[xgb.Booster, list[float]]:
        """The booster with all its rounds, and the stop rows' log-loss after each."""
        history: dict[str, dict[str, list[float]]] = {}
        booster = xgb.train(
            dict(params),
            train,
            training.num_boost_round,
            evals=[] if stop is None else [(stop, "stop")],
            early_stopping_rounds=None if stop is None else training.early_stopping_rounds,
            evals_result=history,
            custom_metric=None if stop is None else _served_loss(task),
            verbose_eval=False,
            callbacks=[_EveryRound(task, training.num_boost_round)],
        )
        return booster, history["stop"][METRIC] if history else []


def _served_loss(task: FitTask) -> Callable[[NDArray[np.floating[Any]], xgb.DMatrix], tuple[str, float]] | None:
    """The log-loss of what is served, where that is not what the model says; None: XGBoost's own metric will do."""
    scale, y = task.class_scale, task.data.y_stop
    if scale is None or y is None:
        return None
    rows = np.arange(len(y))

    def loss(p: NDArray[np.floating[Any]], _: xgb.DMatrix) -> tuple[str, float]:
        scaled = p.reshape(len(rows), len(scale)) * scale
        own = scaled[rows, y] / scaled.sum(axis=1)
        return METRIC, float(-np.log(np.maximum(own, 1e-15)).mean())

    return loss


def _bytes(cells: int, present: int) -> int:
    """About what a quantised matrix holds: a byte a cell twice (by row and by column), more where cells are missing."""
    return cells * 2 if present == cells else cells * 6


def _total_gain(model: xgb.Booster, features: int) -> NDArray[np.float64] | None:
    """(F,) loss reduction summed over a feature's splits; None for a model that never split."""
    gains = np.zeros(features)
    for name, gain in model.get_score(importance_type="total_gain").items():
        gains[int(name[1:])] = gain
    return gains if gains.sum() > 0 else None


def _has_cuda() -> bool:
    return bool(xgb.build_info().get("USE_CUDA")) and cuda_devices() > 0


ADAPTER = XGBoostAdapter()
