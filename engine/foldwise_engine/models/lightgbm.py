"""Gradient-boosted trees (LightGBM), stopped early by the unweighted log-loss of what is served.

LightGBM's thresholds are doubles while rows are float32: a value on the border would go the other way in a graph of float32.
So every threshold is floored to the float32 that decides the same for every float32, and *that* booster is the model:
native file, answers and graph agree.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import msgspec
import numpy as np
from numpy.typing import NDArray
from onnx import helper

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.cache import ByteCache
from foldwise_engine.data import Floats, Selection
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import INPUT, ProbabilityGraph
from foldwise_engine.export.trees import floor_float32, sum_of_trees, thinned_borders
from foldwise_engine.lean import ENGINES
from foldwise_engine.process import memory_share

with ENGINES.importing("lightgbm"):
    import lightgbm as lgb

CACHE_SHARE = 8
"""The binned rows of all workers hold at most this fraction of the machine's memory."""

DEFAULT_MAX_BIN = 255
METRIC = "multi_logloss"
STOP = "stop"
ZERO = np.float32(1e-35)
"""LightGBM's kZeroThreshold."""


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training` of the YAML."""

    num_boost_round: Annotated[int, msgspec.Meta(ge=1)] = 1000
    early_stopping_rounds: Annotated[int, msgspec.Meta(ge=1)] | None = 50
    verbose_eval: Any = None
    """Known from other files; has no effect here."""


class LightGBMAdapter:
    """See the module."""

    native_file = "model.txt"
    _reserved: ClassVar[frozenset[str]] = frozenset(
        {"num_threads", "n_jobs", "seed", "random_state", "verbosity", "verbose", "metric", "device_type", "device"}
    )

    def __init__(self, cache_bytes: int | None = None) -> None:
        budget = memory_share(CACHE_SHARE) if cache_bytes is None else cache_bytes
        self.cache: ByteCache[lgb.Dataset] = ByteCache(budget)

    def fit(self, task: FitTask) -> Fitted:
        """Bin (or reuse), train, mend the thresholds, and score train and stop rows at the best round."""
        training = settings(Training, task.training, "training")
        data = task.data
        params = self._params(task)
        start = time.perf_counter()
        train, reused = self._dataset(task, data.train, params)
        train.set_label(data.y)
        # Rows from the cache still have the weights of their last fit.
        # (`set_weight` does nothing for none, and takes weights of one for none.)
        even = data.weights is None or bool(np.all(data.weights == 1))
        train.set_field("weight", None if even else data.weights)
        stop: lgb.Dataset | None = None
        if data.stop is not None:
            stop, _ = self._dataset(task, data.stop, params, train)
            stop.set_label(data.y_stop)
        task.check()
        ready = time.perf_counter()
        booster, grown, losses = self._train(task, training, params, train, stop)
        trained = time.perf_counter()
        rounds = len(grown)
        best = int(np.argmin(losses)) + 1 if losses and training.early_stopping_rounds is not None else rounds
        kept = grown[best - 1]
        if task.answers_only and kept > 0:  # a `best_iteration` of 0 would mean all rounds
            # For rows of float32 the booster decides as its mended copy does, which only other readers of its file need.
            booster.best_iteration = kept
            p_train, importance, model = None, None, booster
            p_stop = None if data.stop is None else self.predict(booster, data.stop.take(), task.threads)
        else:
            importance = booster.feature_importance("gain", iteration=kept)
            model = _mended(booster, kept)
            p_train, p_stop = _answers(booster, kept, len(data.classes))
        return Fitted(
            model=model,
            p_train=p_train,
            p_stop=p_stop,
            best_epoch=best,
            total_epochs=rounds,
            early_stopped=rounds < training.num_boost_round,
            quantised="reused" if reused else "built",
            importance=importance if importance is not None and importance.sum() > 0 else None,
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: lgb.Booster, path: Path) -> None:
        """Write LightGBM's text format."""
        path.write_text(model.model_to_string(num_iteration=-1))

    def load(self, path: Path, threads: int, device: Device) -> lgb.Booster:
        """Read a model that `save` wrote."""
        del threads, device
        try:
            return lgb.Booster(model_str=path.read_text())
        except (lgb.basic.LightGBMError, UnicodeDecodeError) as error:
            raise EngineError("bad_data", f"{path} is not a LightGBM model: {error}") from error

    def predict(self, model: lgb.Booster, X: Floats, threads: int) -> NDArray[np.floating[Any]]:
        """(n, F) → (n, K); NaN goes each split's default way."""
        return np.asarray(model.predict(X, num_threads=threads))

    def export_onnx(self, model: lgb.Booster, features: int, classes: int) -> ProbabilityGraph:
        """By hand, split by split: the converter does not know where LightGBM sends NaN in a feature that had none."""
        del features
        nodes: dict[str, list[Any]] = {name: [] for name in ("mode", "feature", "value", "yes", "no", "tree", "node", "nan")}
        leaves: dict[str, list[Any]] = {name: [] for name in ("tree", "node", "target", "weight")}
        for info in model.dump_model()["tree_info"]:
            _add_tree(info["tree_structure"], info["tree_index"], info["tree_index"] % classes, nodes, leaves)
        trees = sum_of_trees(
            INPUT,
            "margins",
            classes,
            nodes_modes=nodes["mode"],
            nodes_featureids=nodes["feature"],
            nodes_values=nodes["value"],
            nodes_truenodeids=nodes["yes"],
            nodes_falsenodeids=nodes["no"],
            nodes_treeids=nodes["tree"],
            nodes_nodeids=nodes["node"],
            nodes_missing_value_tracks_true=nodes["nan"],
            target_treeids=leaves["tree"],
            target_nodeids=leaves["node"],
            target_ids=leaves["target"],
            target_weights=leaves["weight"],
        )
        softmax = helper.make_node("Softmax", ["margins"], ["class_probabilities"], axis=1)
        split = np.array([mode != "LEAF" for mode in nodes["mode"]], dtype=bool)
        pairs = np.column_stack([np.array(nodes["feature"])[split], np.array(nodes["value"])[split]])
        return ProbabilityGraph([trees, softmax], "class_probabilities", borders=thinned_borders(pairs))

    def _params(self, task: FitTask) -> dict[str, Any]:
        params = {key: value for key, value in task.params.items() if key not in self._reserved}
        if params.get("objective", "multiclass") != "multiclass":
            raise EngineError("bad_parameter", f"objective is {params['objective']!r}; allowed is multiclass.")
        if params.get("boosting", "gbdt") != "gbdt":
            raise EngineError("bad_parameter", f"boosting is {params['boosting']!r}; allowed is gbdt.")
        if task.device == "cuda":
            task.warn("LightGBM's package has no CUDA: the CPU was used.")
        return {
            **params,
            "objective": "multiclass",
            "num_class": len(task.data.classes),
            "metric": METRIC if task.class_scale is None else "none",
            "max_bin": params.get("max_bin", DEFAULT_MAX_BIN),
            "feature_pre_filter": False,
            # Which way histograms are built is otherwise decided by timing, and the sums differ in their last bits.
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": task.threads,
            "seed": task.seed % 2**31,
            "verbosity": -1,
        }

    def _dataset(
        self, task: FitTask, rows: Selection, params: Mapping[str, Any], reference: lgb.Dataset | None = None
    ) -> tuple[lgb.Dataset, bool]:
        """The binned rows, and whether they were in the cache. Stop rows are binned by the borders of `reference`."""
        key = (rows.key, params["max_bin"], None if reference is None else task.data.train.key)
        kept = self.cache.get(key)
        # Stop rows are bound to the very object whose borders they have: they are of no use when that was let go.
        if kept is not None and kept.reference is reference:
            return kept, True
        size = len(rows) * rows.features * (1 if params["max_bin"] < 256 else 2)
        self.cache.make_room(size)
        binning = {
            name: params[name] for name in ("max_bin", "feature_pre_filter", "force_col_wise", "num_threads", "verbosity")
        }
        dataset = lgb.Dataset(rows.take(), params=binning, reference=reference, free_raw_data=True).construct()
        self.cache.put(key, dataset, size)
        return dataset, False

    def _train(
        self,
        task: FitTask,
        training: Training,
        params: Mapping[str, Any],
        train: lgb.Dataset,
        stop: lgb.Dataset | None,
    ) -> tuple[lgb.Booster, list[int], list[float]]:
        """The booster with all its rounds; after each, how many of them have trees, and the stop rows' log-loss.

        A round that finds no split leaves no tree, so the two counts may part.
        """
        grown: list[int] = []
        losses: list[float] = []

        def every_round(env: lgb.callback.CallbackEnv) -> None:
            task.check()
            grown.append(cast(lgb.Booster, env.model).current_iteration())
            if env.evaluation_result_list:
                losses.append(float(env.evaluation_result_list[0][2]))
            metrics = {"stop_loss": losses[-1]} if losses else {}
            task.progress(env.iteration + 1, training.num_boost_round, metrics)

        callbacks: list[Callable[..., Any]] = [every_round]
        if stop is not None and training.early_stopping_rounds is not None:
            callbacks.append(lgb.early_stopping(training.early_stopping_rounds, verbose=False))
        booster = lgb.train(
            dict(params),
            train,
            training.num_boost_round,
            valid_sets=[] if stop is None else [stop],
            valid_names=[] if stop is None else [STOP],
            feval=None if stop is None else _served_loss(task),
            callbacks=callbacks,
            keep_training_booster=True,  # else it is written out and read back, for nothing
        )
        return booster, grown, losses


def _served_loss(task: FitTask) -> Callable[[NDArray[np.floating[Any]], lgb.Dataset], tuple[str, float, bool]] | None:
    """The log-loss of what is served, where that is not what the model says; None: LightGBM's own metric will do."""
    scale, y = task.class_scale, task.data.y_stop
    if scale is None or y is None:
        return None
    rows = np.arange(len(y))

    def loss(p: NDArray[np.floating[Any]], _: lgb.Dataset) -> tuple[str, float, bool]:
        scaled = p.reshape(len(rows), len(scale)) * scale
        own = scaled[rows, y] / scaled.sum(axis=1)
        return METRIC, float(-np.log(np.maximum(own, 1e-15)).mean()), False

    return loss


def _answers(
    booster: lgb.Booster, kept: int, classes: int
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]] | None]:
    """Of the training and the stop rows after `kept` rounds, from the scores that training has kept anyway.

    Taking back the rounds of patience on binned rows costs a small part of walking every tree with every row.
    """
    while booster.current_iteration() > kept:
        booster.rollback_one_iter()
    told: list[NDArray[np.floating[Any]]] = []

    def hear(p: NDArray[np.floating[Any]], _: lgb.Dataset) -> tuple[str, float, bool]:
        told.append(p.reshape(-1, classes).copy())
        return "heard", 0.0, False

    booster.eval_train(hear)
    booster.eval_valid(hear)
    return told[0], told[1] if len(told) > 1 else None


def _mended(booster: lgb.Booster, rounds: int) -> lgb.Booster:
    """The first `rounds` rounds, with every threshold floored to a float32."""
    text = booster.model_to_string(num_iteration=rounds)
    text = re.sub(r"^tree_sizes=.*\n", "", text, flags=re.MULTILINE)  # they would be wrong, and are not needed
    return lgb.Booster(model_str=re.sub(r"^threshold=(.*)$", _floored, text, flags=re.MULTILINE))


def _floored(line: re.Match[str]) -> str:
    largest = float(np.finfo(np.float32).max)
    thresholds = np.clip(np.array([float(value) for value in line[1].split()]), -largest, largest)
    floored = floor_float32(thresholds)
    # LightGBM reads what is no larger than this as zero; a graph does not, so such thresholds move to where both agree.
    tiny = np.abs(floored) <= ZERO
    floored = np.where(tiny, np.where(floored < 0, np.nextafter(-ZERO, np.float32(-np.inf)), ZERO), floored)
    return "threshold=" + " ".join(repr(float(value)) for value in floored)


def _add_tree(
    root: Mapping[str, Any], tree: int, target: int, nodes: dict[str, list[Any]], leaves: dict[str, list[Any]]
) -> None:
    """Append a tree's nodes, numbered in the order in which they are met."""
    waiting: list[tuple[Mapping[str, Any], int]] = [(root, 0)]
    following = 1
    while waiting:
        node, number = waiting.pop()
        split = "split_feature" in node
        yes, no = (following, following + 1) if split else (0, 0)
        threshold = float(node["threshold"]) if split else 0.0
        # NaN in a feature that had none when the tree was grown counts as zero.
        nan_left = split and (node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0)
        for name, value in (
            ("mode", "BRANCH_LEQ" if split else "LEAF"),
            ("feature", int(node["split_feature"]) if split else 0),
            ("value", threshold),
            ("yes", yes),
            ("no", no),
            ("tree", tree),
            ("node", number),
            ("nan", int(bool(nan_left))),
        ):
            nodes[name].append(value)
        if split:
            following += 2
            waiting += [(node["left_child"], yes), (node["right_child"], no)]
            continue
        for name, value in (("tree", tree), ("node", number), ("target", target), ("weight", float(node["leaf_value"]))):
            leaves[name].append(value)


ADAPTER = LightGBMAdapter()
