"""What the lightgbm adapter alone promises. No mocks: the engine fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from support import PARAMS, TRAINING, Case, Quiet, log_loss, sample

from foldwise_engine.adapter import load_adapter
from foldwise_engine.errors import Cancelled, EngineError
from foldwise_engine.jobs import Jobs
from foldwise_engine.models.lightgbm import LightGBMAdapter


def test_it_equals_the_direct_call(tmp_path: Path) -> None:
    case = Case(tmp_path / "direct", *sample(20_000))
    weights = np.random.default_rng(0).random(len(case.train)).astype(np.float32) + 0.1
    fit = case.fit("lightgbm", weights=weights)
    params = {
        **PARAMS["lightgbm"],
        "objective": "multiclass",
        "num_class": 3,
        "metric": "multi_logloss",
        "seed": 7,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "num_threads": 1,
        "verbosity": -1,
    }
    train = lgb.Dataset(case.X[case.train], label=case.y[case.train] + 1, weight=weights)
    stop = train.create_valid(case.X[case.stop], label=case.y[case.stop] + 1)
    booster = lgb.train(
        params,
        train,
        TRAINING["lightgbm"]["num_boost_round"],
        valid_sets=[stop],
        callbacks=[lgb.early_stopping(TRAINING["lightgbm"]["early_stopping_rounds"], verbose=False)],
    )
    assert fit.result.best_epoch == (booster.best_iteration or booster.current_iteration())
    # Thresholds are floored to float32, which decides no float32 row another way.
    assert np.array_equal(fit.array("p_stop.npy"), np.asarray(booster.predict(case.X[case.stop]), dtype=np.float32))


def test_it_stops_early_by_the_unweighted_loss_and_keeps_the_best_round(case: Case) -> None:
    fit = case.fit("lightgbm", training={"num_boost_round": 400, "early_stopping_rounds": 6})
    assert fit.result.early_stopped
    assert fit.result.total_epochs == fit.result.best_epoch + 6 < 400
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert int(np.argmin(losses)) + 1 == fit.result.best_epoch
    assert min(losses) == pytest.approx(log_loss(fit.array("p_stop.npy"), case.y[case.stop]), abs=1e-5)


def test_it_stops_by_the_loss_of_what_is_served(tmp_path: Path) -> None:
    X, y = sample()
    case = Case(tmp_path / "skewed", X, np.where((y == 1) & (np.arange(len(y)) % 5 > 0), -1, y).astype(np.int8))
    counts = np.array([np.sum(case.y[case.train] == label) for label in (-1, 0, 1)])
    weights = (1 / counts[case.y[case.train] + 1]).astype(np.float32)
    scale = tuple(float(share) for share in 3 * counts / counts.sum())
    fit = case.fit("lightgbm", weights=weights / weights.mean(), class_scale=scale)
    p = fit.array("p_stop.npy") * scale
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert log_loss(p / p.sum(axis=1, keepdims=True), case.y[case.stop]) == pytest.approx(min(losses), abs=1e-5)


def test_it_bins_once_for_all_horizons(case: Case) -> None:
    y5 = np.roll(case.y, 11)
    case.labels(5, y5)
    case.jobs = Jobs()
    heavy = np.linspace(0.5, 1.5, len(case.train), dtype=np.float32)
    case.fit("lightgbm", weights=heavy)
    reused = case.fit("lightgbm", horizon=5)
    assert reused.result.quantised == "reused"
    assert case.fit("lightgbm", params={**PARAMS["lightgbm"], "max_bin": 31}).result.quantised == "built"
    alone = Case(case.folder / "alone", case.X, y5).fit("lightgbm")
    assert alone.result.quantised == "built"
    assert np.array_equal(alone.array("p_stop.npy"), reused.array("p_stop.npy"))


def test_stop_rows_are_not_kept_longer_than_the_borders_they_have(case: Case) -> None:
    adapter = load_adapter("lightgbm", None)
    assert isinstance(adapter, LightGBMAdapter)
    first = case.fit("lightgbm").array("p_stop.npy")
    budget, adapter.cache.budget = adapter.cache.budget, 8 * len(case.stop)
    try:
        adapter.cache.make_room(0)  # the training rows go, the stop rows stay
        assert len(adapter.cache) == 1
        adapter.cache.budget = budget
        again = case.fit("lightgbm")
        assert again.result.quantised == "built"
        assert np.array_equal(again.array("p_stop.npy"), first)
    finally:
        adapter.cache.budget = budget


@pytest.mark.parametrize("stop", [True, False])
def test_without_a_single_split_its_rounds_are_still_counted(case: Case, stop: bool) -> None:
    rows = {} if stop else {"stop": None}
    fit = case.fit("lightgbm", params={**PARAMS["lightgbm"], "min_gain_to_split": 1e9}, **rows)
    assert fit.result.importance is None
    assert (fit.result.best_epoch, fit.result.total_epochs) == ((1, 6) if stop else (40, 40))
    assert fit.result.early_stopped == stop
    assert np.ptp(fit.array("p_train.npy"), axis=0).max() == 0
    assert np.allclose(fit.predict(case.X[case.train]), fit.array("p_train.npy"), atol=1e-7, rtol=0)
    fit.export()


def test_thresholds_of_its_file_are_float32(case: Case) -> None:
    fit = case.fit("lightgbm")
    lines = [line for line in (fit.out / "model.txt").read_text().splitlines() if line.startswith("threshold=")]
    values = np.array([float(value) for line in lines for value in line.removeprefix("threshold=").split()])
    assert len(values) > 20
    assert np.array_equal(values, values.astype(np.float32))


def test_it_says_that_it_has_no_cuda(case: Case) -> None:
    result = case.fit("lightgbm", device="cuda").result
    assert result.device == "cpu"
    assert any("no CUDA" in warning for warning in result.warnings)


def test_it_is_cancelled_between_rounds(case: Case) -> None:
    case.caller = Quiet(cancel_at=3)
    with pytest.raises(Cancelled):
        case.fit("lightgbm")
    assert case.caller.steps[-1][0] <= 4


def test_a_file_that_is_no_model_is_refused(case: Case) -> None:
    fit = case.fit("lightgbm")
    (fit.out / "model.txt").write_text("tree\nnot a model")
    with pytest.raises(EngineError, match="not a LightGBM model"):
        fit.predict(case.X, jobs=Jobs())


@pytest.mark.parametrize("params", [{"objective": "binary"}, {"boosting": "dart"}])
def test_it_names_the_parameter_it_refuses(case: Case, params: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=next(iter(params))) as caught:
        case.fit("lightgbm", params=params)
    assert caught.value.code == "bad_parameter"
