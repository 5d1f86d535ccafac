"""What the catboost adapter alone promises. No mocks: the engine fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catboost as cb
import numpy as np
import pytest
from support import PARAMS, TRAINING, Case, Quiet, in_node, log_loss, sample

from foldwise_engine.adapter import load_adapter
from foldwise_engine.errors import Cancelled, EngineError, classify
from foldwise_engine.jobs import Jobs
from foldwise_engine.models.catboost import CatBoostAdapter


def direct(case: Case, weights: Any = None) -> cb.CatBoost:
    """The library called by hand with the same parameters, on raw pools."""
    model = cb.CatBoost(
        {
            **PARAMS["catboost"],
            "loss_function": "MultiClass",
            "bootstrap_type": "Bayesian",
            "iterations": TRAINING["catboost"]["num_boost_round"],
            "od_type": "Iter",
            "od_wait": TRAINING["catboost"]["early_stopping_rounds"],
            "random_seed": 7,
            "thread_count": 1,
            "logging_level": "Silent",
            "allow_writing_files": False,
        }
    )
    train = cb.Pool(case.X[case.train], case.y[case.train].astype(int) + 1, weight=weights)
    return model.fit(train, eval_set=cb.Pool(case.X[case.stop], case.y[case.stop].astype(int) + 1))


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_the_direct_call_bit_by_bit(tmp_path: Path, weighted: bool) -> None:
    case = Case(tmp_path / "direct", *sample(20_000))
    weights = np.random.default_rng(0).random(len(case.train)).astype(np.float32) + 0.1 if weighted else None
    fit = case.fit("catboost", weights=weights)
    model = direct(case, weights)
    assert fit.result.best_epoch == model.tree_count_
    for rows, name in ((case.train, "p_train.npy"), (case.stop, "p_stop.npy")):
        expected = model.predict(case.X[rows], prediction_type="Probability")
        assert np.array_equal(fit.array(name), np.asarray(expected, dtype=np.float32))


def test_it_stops_early_by_the_unweighted_loss_and_keeps_the_best_round(case: Case) -> None:
    weights = np.linspace(0.5, 1.5, len(case.train), dtype=np.float32)
    training = {"num_boost_round": 400, "early_stopping_rounds": 6}
    fit = case.fit("catboost", training=training, weights=weights)
    assert fit.result.early_stopped
    assert fit.result.total_epochs == fit.result.best_epoch + 6 < 400
    step, total, metrics = case.caller.steps[-1]
    assert (step, total) == (fit.result.total_epochs, 400)
    assert metrics.keys() == {"stop_loss"}
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert int(np.argmin(losses)) + 1 == fit.result.best_epoch
    assert min(losses) == pytest.approx(log_loss(fit.array("p_stop.npy"), case.y[case.stop]), abs=1e-6)


def test_without_patience_it_grows_all_rounds_and_keeps_them(case: Case) -> None:
    result = case.fit("catboost", training={"num_boost_round": 30, "early_stopping_rounds": None}).result
    assert (result.best_epoch, result.total_epochs, result.early_stopped) == (30, 30, False)


@pytest.mark.parametrize("classes", [(-1, 0, 1), (-1, 1)])
def test_it_stops_by_the_loss_of_what_is_served(tmp_path: Path, classes: tuple[int, ...]) -> None:
    X, y = sample()
    case = Case(tmp_path / "skewed", X, np.where((y == 1) & (np.arange(len(y)) % 5 > 0), -1, y).astype(np.int8))
    case.train, case.stop = (rows[np.isin(case.y[rows], classes)] for rows in (case.train, case.stop))
    counts = np.array([np.sum(case.y[case.train] == label) for label in (-1, 0, 1)])
    weights = (1 / counts[case.y[case.train] + 1]).astype(np.float32)
    scale = tuple(float(share) for share in 3 * counts / counts.sum())
    scale = tuple(value or 1.0 for value in scale)
    fit = case.fit("catboost", weights=weights / weights.mean(), class_scale=scale)
    p, y_stop = fit.array("p_stop.npy"), case.y[case.stop]
    served = p * scale / (p * scale).sum(axis=1, keepdims=True)
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert log_loss(served, y_stop) == pytest.approx(min(losses), abs=1e-5)
    assert log_loss(served, y_stop) < log_loss(p, y_stop) - 0.01
    assert fit.result.best_epoch == int(np.argmin(losses)) + 1
    # The scale decides the round; it is not in the model's own answers.
    assert np.allclose(fit.predict(X[case.train]), fit.array("p_train.npy"), atol=1e-6, rtol=0)


def test_it_finds_the_borders_once_for_all_horizons(case: Case) -> None:
    y5 = np.roll(case.y, 11)
    case.labels(5, y5)
    heavy = np.linspace(0.5, 1.5, len(case.train), dtype=np.float32)
    assert case.fit("catboost", weights=heavy).result.quantised == "built"
    reused = case.fit("catboost", horizon=5)
    assert reused.result.quantised == "reused"
    assert case.fit("catboost", params={**PARAMS["catboost"], "border_count": 32}).result.quantised == "built"
    assert case.fit("catboost", train=case.train[:-10]).result.quantised == "built"
    alone = Case(case.folder / "alone", case.X, y5).fit("catboost")
    assert alone.result.quantised == "built"
    assert np.array_equal(alone.array("p_stop.npy"), reused.array("p_stop.npy"))


def test_it_keeps_no_more_borders_than_its_budget(case: Case) -> None:
    adapter = load_adapter("catboost", None)
    assert isinstance(adapter, CatBoostAdapter)
    case.fit("catboost")
    budget, adapter.cache.budget = adapter.cache.budget, 1
    try:
        assert case.fit("catboost", train=case.train[3:]).result.quantised == "built"
        assert len(adapter.cache) == 0
    finally:
        adapter.cache.budget = budget


def test_stop_rows_may_lack_values_where_training_rows_lack_none(tmp_path: Path) -> None:
    X, y = sample()
    X[1000:1100, 3] = np.nan
    case = Case(tmp_path / "late_holes", X, y)
    fit = case.fit("catboost")
    path, _ = fit.export()
    assert np.abs(in_node(path, X)[0] - fit.predict(X)).max() <= 1e-5


def test_importance_is_a_share_of_its_own_kind_and_finds_the_signal(case: Case) -> None:
    fit = case.fit("catboost")
    assert fit.result.importance is not None
    assert fit.result.importance.kind == "prediction_values_change"
    shares = fit.array("importance.npy")
    assert shares.sum() == pytest.approx(1)
    assert shares.argmax() == 0
    assert shares[-1] == shares[-2] == 0


def test_it_is_cancelled_between_rounds(case: Case) -> None:
    case.caller = Quiet(cancel_at=3)
    with pytest.raises(Cancelled):
        case.fit("catboost")
    assert case.caller.steps[-1][0] == 3


def test_it_writes_nothing_beside_its_files(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    case.fit("catboost")
    assert list(here.iterdir()) == []


def test_on_a_device_that_is_not_there_it_says_so(case: Case) -> None:
    result = case.fit("catboost", device="cuda").result
    assert result.device == "cuda" or any("the CPU was used" in warning for warning in result.warnings)


def test_a_file_that_is_no_model_is_refused(case: Case) -> None:
    fit = case.fit("catboost")
    (fit.out / "model.cbm").write_bytes(b"CBM1 not a model")
    with pytest.raises(EngineError, match="not a CatBoost model"):
        fit.predict(case.X, jobs=Jobs())


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"loss_function": "Logloss"}, "loss_function"),
        ({"depth": 17}, "depth"),
        ({"grow_policy": "Lossguide"}, "grow_policy"),
        ({"bootstrap_type": "Bayesian", "subsample": 0.5}, "subsample"),
    ],
)
def test_it_names_the_parameter_it_refuses(case: Case, params: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said) as caught:
        case.fit("catboost", params=params)
    assert classify(caught.value).code == "bad_parameter"


def test_features_that_never_vary_are_refused_as_data(tmp_path: Path) -> None:
    X, y = sample()
    case = Case(tmp_path / "flat", np.ones_like(X), y)
    with pytest.raises(Exception, match="constant") as caught:
        case.fit("catboost")
    assert classify(caught.value).code == "bad_data"
