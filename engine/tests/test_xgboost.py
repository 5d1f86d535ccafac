"""What the xgboost adapter alone promises. No mocks: the engine fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from support import PARAMS, TRAINING, Case, Quiet, log_loss, sample

from foldwise_engine.adapter import load_adapter
from foldwise_engine.errors import Cancelled, classify
from foldwise_engine.models.xgboost import XGBoostAdapter


@pytest.mark.parametrize("rows", [1_200, 20_000], ids=["one block", "several blocks"])
def test_xgboost_equals_the_direct_call_bit_by_bit(tmp_path: Path, rows: int) -> None:
    case = Case(tmp_path / "direct", *sample(rows))
    weights = np.random.default_rng(0).random(len(case.train)).astype(np.float32) + 0.1
    fit = case.fit("xgboost", weights=weights)
    dtrain = xgb.QuantileDMatrix(case.X[case.train], label=case.y[case.train] + 1, max_bin=64, nthread=1)
    dtrain.set_weight(weights)
    dstop = xgb.QuantileDMatrix(case.X[case.stop], label=case.y[case.stop] + 1, max_bin=64, ref=dtrain, nthread=1)
    booster = xgb.train(
        {**PARAMS["xgboost"], "objective": "multi:softprob", "num_class": 3, "tree_method": "hist", "seed": 7, "nthread": 1},
        dtrain,
        TRAINING["xgboost"]["num_boost_round"],
        evals=[(dstop, "stop")],
        early_stopping_rounds=TRAINING["xgboost"]["early_stopping_rounds"],
        verbose_eval=False,
    )
    best = booster.best_iteration + 1
    assert fit.result.best_epoch == best
    assert np.array_equal(fit.array("p_stop.npy"), booster.predict(dstop, iteration_range=(0, best)))


def test_xgboost_stops_early_and_keeps_the_best_round(case: Case) -> None:
    training = {"num_boost_round": 400, "early_stopping_rounds": 6}
    result = case.fit("xgboost", training=training).result
    assert result.early_stopped
    assert result.total_epochs == result.best_epoch + 6 < 400
    step, total, metrics = case.caller.steps[-1]
    assert (step, total) == (result.total_epochs, 400)
    assert metrics.keys() == {"stop_loss"}


def test_xgboost_stops_by_the_unweighted_loss(case: Case) -> None:
    fit = case.fit("xgboost", training={"num_boost_round": 30, "early_stopping_rounds": None})
    assert fit.result.total_epochs == 30
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert int(np.argmin(losses)) + 1 == fit.result.best_epoch or fit.result.best_epoch == 30
    fit = case.fit("xgboost")
    assert min(metrics["stop_loss"] for _, _, metrics in case.caller.steps) == pytest.approx(
        log_loss(fit.array("p_stop.npy"), case.y[case.stop]), abs=1e-5
    )


@pytest.mark.parametrize("classes", [(-1, 0, 1), (-1, 1)])
def test_xgboost_stops_by_the_loss_of_what_is_served(tmp_path: Path, classes: tuple[int, ...]) -> None:
    X, y = sample()
    case = Case(tmp_path / "skewed", X, np.where((y == 1) & (np.arange(len(y)) % 5 > 0), -1, y).astype(np.int8))
    case.train, case.stop = (rows[np.isin(case.y[rows], classes)] for rows in (case.train, case.stop))
    counts = np.array([np.sum(case.y[case.train] == label) for label in (-1, 0, 1)])
    weights = (1 / counts[case.y[case.train] + 1]).astype(np.float32)
    scale = tuple(float(share) for share in 3 * counts / counts.sum())
    fit = case.fit("xgboost", weights=weights / weights.mean(), class_scale=scale)

    def served(p: Any) -> Any:
        return p * scale / (p * scale).sum(axis=1, keepdims=True)

    y_stop = case.y[case.stop]
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert log_loss(served(fit.array("p_stop.npy")), y_stop) == pytest.approx(min(losses), abs=1e-5)
    assert log_loss(served(fit.array("p_stop.npy")), y_stop) < log_loss(fit.array("p_stop.npy"), y_stop) - 0.01
    assert fit.result.early_stopped
    assert fit.result.best_epoch == int(np.argmin(losses)) + 1 == fit.result.total_epochs - 5


def test_xgboost_quantises_once_for_all_horizons(case: Case) -> None:
    y5 = np.roll(case.y, 11)
    case.labels(5, y5)
    assert case.fit("xgboost").result.quantised == "built"
    heavy = np.linspace(0.5, 1.5, len(case.train), dtype=np.float32)
    reused = case.fit("xgboost", horizon=5, weights=heavy)
    assert reused.result.quantised == "reused"
    assert case.fit("xgboost", params={**PARAMS["xgboost"], "max_bin": 32}).result.quantised == "built"
    assert case.fit("xgboost", train=case.train[:-10]).result.quantised == "built"
    alone = Case(case.folder / "alone", case.X, y5).fit("xgboost", weights=heavy)
    assert alone.result.quantised == "built"
    assert np.array_equal(alone.array("p_stop.npy"), reused.array("p_stop.npy"))


def test_xgboost_takes_the_keys_of_the_requirements(case: Case) -> None:
    params = {
        "objective": "multi:softprob",
        "num_class": 3,
        "max_depth": 6,
        "learning_rate": 0.1,
        "subsample": 0.8,
        "colsample_bytree": 0.8,
        "tree_method": "gpu_hist",
    }
    training = {"num_boost_round": 5, "early_stopping_rounds": 50, "verbose_eval": 100}
    result = case.fit("xgboost", params=params, training=training).result
    assert any("gpu_hist" in warning for warning in result.warnings)
    if result.device == "cpu":
        assert any("CUDA is not available" in warning for warning in result.warnings)


def test_xgboost_on_a_device_that_is_not_there_says_so(case: Case) -> None:
    result = case.fit("xgboost", device="cuda").result
    assert result.device == "cuda" or any("the CPU was used" in warning for warning in result.warnings)


def test_xgboost_importance_is_a_share_and_finds_the_signal(case: Case) -> None:
    fit = case.fit("xgboost")
    shares = fit.array("importance.npy")
    assert shares.dtype == np.float64
    assert shares.shape == (8,)
    assert shares.sum() == pytest.approx(1)
    assert shares.argmax() == 0
    assert shares[-1] == shares[-2] == 0


def test_xgboost_without_a_single_split_has_no_importance(case: Case) -> None:
    fit = case.fit("xgboost", params={"gamma": 1e9})
    assert fit.result.importance is None
    assert np.ptp(fit.array("p_stop.npy"), axis=0).max() == 0


@pytest.mark.parametrize(("params", "said"), [({"max_depth": -3}, "max_depth"), ({"learning_rate": "fast"}, "ast")])
def test_xgboost_names_the_parameter_it_refuses(case: Case, params: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said) as caught:
        case.fit("xgboost", params=params)
    assert classify(caught.value).code == "bad_parameter"


def test_xgboost_is_cancelled_between_rounds(case: Case) -> None:
    case.caller = Quiet(cancel_at=3)
    with pytest.raises(Cancelled):
        case.fit("xgboost")
    assert case.caller.steps[-1][0] <= 4


def test_xgboost_takes_a_large_seed(case: Case) -> None:
    assert case.fit("xgboost", seed=2**53 - 1).result.best_epoch > 0


def test_an_adapter_keeps_no_more_matrices_than_its_budget(case: Case) -> None:
    adapter = load_adapter("xgboost", None)
    assert isinstance(adapter, XGBoostAdapter)
    case.fit("xgboost")
    budget, adapter.cache.budget = adapter.cache.budget, 1
    try:
        assert case.fit("xgboost", train=case.train[3:]).result.quantised == "built"
        assert len(adapter.cache) == 0
    finally:
        adapter.cache.budget = budget
