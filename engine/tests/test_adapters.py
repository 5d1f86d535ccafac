"""What every built-in adapter keeps, and what is each one's own. No mocks: the engines fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support import PARAMS, TRAINING, Case, Quiet, log_loss, sample

from foldwise_engine.adapter import load_adapter
from foldwise_engine.cache import ByteCache
from foldwise_engine.data import Selection
from foldwise_engine.errors import Cancelled, EngineError, classify
from foldwise_engine.files import write_via
from foldwise_engine.jobs import Jobs
from foldwise_engine.models.xgboost import XGBoostAdapter

MODELS = ["xgboost", "logistic"]
every_model = pytest.mark.parametrize("model", MODELS)


@every_model
def test_it_learns_and_its_probabilities_are_probabilities(case: Case, model: str) -> None:
    fit = case.fit(model)
    for rows, name in ((case.train, "p_train.npy"), (case.stop, "p_stop.npy")):
        p = fit.array(name)
        assert p.dtype == np.float32
        assert p.shape == (len(rows), 3)
        assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
        prior = np.bincount(case.y[case.train] + 1) / len(case.train)
        assert log_loss(p, case.y[rows]) < log_loss(np.tile(prior, (len(rows), 1)), case.y[rows])
    assert fit.result.classes == [-1, 0, 1]
    assert fit.result.seconds.train > 0


@every_model
def test_files_that_are_named_are_there_and_no_temporary_ones(case: Case, model: str) -> None:
    fit = case.fit(model)
    files, importance = fit.result.files, fit.result.importance
    named = {files.native, files.train, files.stop, files.scaler, importance and importance.file, "fit.json"}
    assert {path.name for path in fit.out.iterdir()} == named - {None}


@every_model
def test_a_predict_job_gives_what_the_fit_gave(case: Case, model: str) -> None:
    fit = case.fit(model)
    assert np.allclose(fit.predict(case.X, rows=case.train), fit.array("p_train.npy"), atol=1e-6, rtol=0)
    assert np.allclose(fit.predict(case.X[case.stop]), fit.array("p_stop.npy"), atol=1e-6, rtol=0)


@every_model
def test_a_reloaded_model_predicts_the_same_bits(case: Case, model: str) -> None:
    fit = case.fit(model)
    assert np.array_equal(fit.predict(case.X, jobs=Jobs()), fit.predict(case.X))


@every_model
def test_one_row_gets_what_it_gets_among_others(case: Case, model: str) -> None:
    fit = case.fit(model)
    assert np.allclose(fit.predict(case.X[17:18]), fit.predict(case.X)[17:18], atol=1e-6, rtol=0)


@every_model
def test_a_second_fit_and_other_threads_give_the_same_bits(case: Case, model: str) -> None:
    first = case.fit(model).array("p_stop.npy")
    case.jobs = Jobs()
    load_adapter("xgboost", None).cache.make_room(2**60)  # type: ignore[attr-defined]
    assert np.array_equal(case.fit(model).array("p_stop.npy"), first)
    assert np.array_equal(case.fit(model, threads=2).array("p_stop.npy"), first)


@every_model
def test_weights_change_the_fit_and_weights_of_one_do_not(case: Case, model: str) -> None:
    plain = case.fit(model).array("p_stop.npy")
    ones = case.fit(model, weights=np.ones(len(case.train), np.float32)).array("p_stop.npy")
    heavy = np.where(case.y[case.train] == 1, 3, 0.5).astype(np.float32)
    weighted = case.fit(model, weights=heavy).array("p_stop.npy")
    assert np.array_equal(plain, ones)
    assert weighted[:, 2].mean() > plain[:, 2].mean() + 0.05
    # The order matters: a matrix kept from a weighted fit must not weigh the next one.
    assert np.array_equal(case.fit(model).array("p_stop.npy"), plain)


@every_model
@pytest.mark.parametrize("absent", [-1, 0, 1])
def test_a_class_that_training_lacks_has_probability_zero(tmp_path: Path, model: str, absent: int) -> None:
    X, y = sample()
    case = Case(tmp_path / "two", X, y)
    train = case.train[y[case.train] != absent]
    stop = case.stop[y[case.stop] != absent]
    fit = case.fit(model, train=train, stop=stop)
    assert fit.result.classes == [label for label in (-1, 0, 1) if label != absent]
    p = fit.predict(X)
    assert np.all(p[:, absent + 1] == 0)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert log_loss(fit.array("p_stop.npy"), y[stop]) < np.log(2)


@every_model
def test_rows_with_holes_fit_as_the_same_rows_without(case: Case, model: str) -> None:
    rows = case.train[np.random.default_rng(1).random(len(case.train)) < 0.7]
    scattered = case.fit(model, train=rows)
    packed = Case(case.folder / "packed", np.vstack([case.X[rows], case.X[case.stop]]), case.y[[*rows, *case.stop]])
    packed.train = np.arange(len(rows), dtype=np.int32)
    packed.stop = np.arange(len(rows), len(rows) + len(case.stop), dtype=np.int32)
    assert np.array_equal(packed.fit(model).array("p_stop.npy"), scattered.array("p_stop.npy"))


@every_model
def test_without_stop_rows_nothing_stops_early(case: Case, model: str) -> None:
    fit = case.fit(model, stop=None)
    assert fit.result.files.stop is None
    assert not fit.result.early_stopped
    rounds = (40, 40) if model == "xgboost" else (0, 1)
    assert (fit.result.best_epoch, fit.result.total_epochs) == rounds


@every_model
@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"train": np.array([0, 5000], np.int32)}, "bad_data", "rows 0 to 5000"),
        ({"train": np.array([-1, 5], np.int32)}, "bad_data", "rows -1 to 5"),
        ({"train": np.array([], np.int32)}, "bad_data", "no rows"),
        ({"train": np.array([0, 1], np.int64)}, "bad_data", "int64"),
        ({"weights": np.ones(3, np.float32)}, "bad_data", "3 weights for 960"),
        ({"weights": np.zeros(960, np.float32)}, "bad_data", "above 0"),
        ({"weights": np.full(960, np.nan, np.float32)}, "bad_data", "not finite"),
        ({"horizon": 99}, "bad_data", "y_h99.npy"),
        ({"params": {"objective": "binary:logistic", "solver": "magic"}}, "bad_parameter", "objective|solver"),
        ({"training": {"epochs": 3}}, "bad_parameter", "epochs"),
        ({"training": {"num_boost_round": 0, "C": 1}}, "bad_parameter", "num_boost_round|unknown"),
    ],
)
def test_what_cannot_be_fitted_is_refused(case: Case, model: str, changes: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        case.fit(model, **changes)
    assert caught.value.code == code


@every_model
def test_labels_that_are_missing_or_of_one_class_are_refused(case: Case, model: str) -> None:
    one = case.train[case.y[case.train] == 1]
    with pytest.raises(EngineError, match="only class 1"):
        case.fit(model, train=one)
    with pytest.raises(EngineError, match="lack"):
        case.fit(model, train=case.train[case.y[case.train] != 1])
    case.labels(20, np.where(np.arange(len(case.y)) == 3, -128, case.y).astype(np.int8))
    with pytest.raises(EngineError, match=r"Row 3 .* label -128"):
        case.fit(model)


@every_model
def test_another_number_of_columns_is_refused(case: Case, model: str) -> None:
    with pytest.raises(EngineError, match="9 columns; the model takes 8"):
        case.fit(model).predict(np.zeros((2, 9), np.float32))


@every_model
def test_a_model_is_not_read_as_another(case: Case, model: str) -> None:
    fit = case.fit(model)
    fit.request.model = "logistic" if model == "xgboost" else "xgboost"
    with pytest.raises(EngineError, match=f"holds a model of {model}"):
        fit.predict(case.X)


@every_model
def test_a_fit_into_a_folder_used_before_replaces_what_is_remembered(case: Case, model: str) -> None:
    fit = case.fit(model)
    before = fit.predict(case.X)
    case.y = -case.y
    case.labels(20, case.y)
    again = case.fit(model, out=str(fit.out))
    assert not np.allclose(again.predict(case.X), before, atol=0.01)
    assert np.array_equal(again.predict(case.X), again.predict(case.X, jobs=Jobs()))


# xgboost


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


@every_model
def test_a_class_scale_of_nothing_is_refused(case: Case, model: str) -> None:
    with pytest.raises(EngineError, match="factors must be above 0"):
        case.fit(model, class_scale=(1.0, 0.0, 1.0))


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


# logistic


def test_logistic_writes_its_scaler(case: Case) -> None:
    fit = case.fit("logistic")
    scaler = json.loads((fit.out / "scaler.json").read_text())
    X = case.X[case.train]
    assert scaler.keys() == {"median", "mean", "scale"}
    assert scaler["median"][0] == pytest.approx(np.nanmedian(X[:, 0]), abs=1e-6)
    assert scaler["median"][6] == 0  # all NaN
    assert scaler["mean"][7] == pytest.approx(7.25)
    assert scaler["scale"][6] == scaler["scale"][7] == 1


def test_logistic_says_when_it_did_not_converge(case: Case) -> None:
    result = case.fit("logistic", params={"C": 100, "max_iter": 1}).result
    assert any("max_iter = 1" in warning for warning in result.warnings)


def test_logistic_refuses_a_file_with_anything_else_in_it(case: Case) -> None:
    import skops.io
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.preprocessing import FunctionTransformer

    fit = case.fit("logistic")
    native = fit.out / fit.result.files.native
    skops.io.dump(FunctionTransformer(func=np.save), native)
    with pytest.raises(EngineError, match="no use for"):
        fit.predict(case.X, jobs=Jobs())
    skops.io.dump(RandomForestClassifier(), native)
    with pytest.raises(EngineError, match="does not hold"):
        fit.predict(case.X, jobs=Jobs())


def test_logistic_copies_of_the_data_stay_untouched(case: Case) -> None:
    before = np.load(case.folder / "X.npy")
    fit = case.fit("logistic")
    again = fit.predict(case.X)
    assert np.array_equal(np.load(case.folder / "X.npy"), before, equal_nan=True)
    assert np.array_equal(fit.predict(case.X), again)


# the parts


@given(st.lists(st.integers(0, 49), min_size=1, max_size=60), st.integers(1, 20))
@hypothesis_settings(deadline=None, max_examples=60)
def test_blocks_put_together_are_the_rows_asked_for(rows: list[int], size: int) -> None:
    X = np.arange(100, dtype=np.float32).reshape(50, 2)
    selection = Selection(X, np.array(rows, np.int32), "memory")
    assert np.array_equal(np.concatenate(list(selection.blocks(size))), X[rows])
    assert np.array_equal(selection.take(), X[rows])


def test_consecutive_rows_are_not_copied() -> None:
    X = np.zeros((50, 2), np.float32)
    assert np.shares_memory(Selection(X, np.arange(5, 30, dtype=np.int32), "memory").take(), X)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=50))
@hypothesis_settings(deadline=None, max_examples=60)
def test_the_cache_never_exceeds_its_budget(puts: list[tuple[int, int]]) -> None:
    cache: ByteCache[int] = ByteCache(100)
    for key, size in puts:
        cache.put(key, size, size)
        assert cache.bytes <= 100
        assert cache.get(key) == size


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_via(tmp_path / "model.ubj", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_whoever_writes() -> None:
    for error in (
        OSError(28, "No space left on device"),
        OSError(27, "File too large"),
        OSError("2787 requested and 2016 written"),
    ):
        typed = classify(error)
        assert "disk is full" in str(typed)
        assert "space" in str(typed.remedy)
