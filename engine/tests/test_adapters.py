"""What every built-in adapter keeps, and what is each one's own. No mocks: the engines fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from support import EPOCHS, MODELS, NEURAL, TABULAR, Case, FittedOf, log_loss, sample

from foldwise_engine.adapter import load_adapter
from foldwise_engine.errors import EngineError
from foldwise_engine.jobs import Jobs, run_job

every_model = pytest.mark.parametrize("model", MODELS)


@every_model
def test_it_learns_and_its_probabilities_are_probabilities(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    case = fit.case
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
def test_files_that_are_named_are_there_and_no_temporary_ones(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    files, importance = fit.result.files, fit.result.importance
    named = {files.native, files.train, files.stop, files.scaler, importance and importance.file, "fit.json"}
    assert fit.written == named - {None}


@every_model
def test_a_predict_job_gives_what_the_fit_gave(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    case = fit.case
    assert np.allclose(fit.predict(case.X, rows=case.train), fit.array("p_train.npy"), atol=1e-6, rtol=0)
    assert np.allclose(fit.predict(case.X[case.stop[0] - fit.reach + 1 :]), fit.array("p_stop.npy"), atol=1e-6, rtol=0)


@every_model
def test_a_reloaded_model_predicts_the_same_bits(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    assert np.array_equal(fit.predict(fit.case.X, jobs=Jobs()), fit.predict(fit.case.X))


@every_model
def test_rows_answered_within_the_fit_get_the_bits_that_the_saved_model_gives(case: Case, model: str) -> None:
    rows = np.concatenate([case.train[-5:], case.stop[3::2]])
    fit = case.fit(model, answer=rows)
    assert fit.result.files.answer == "p_answer.npy"
    answered = fit.array("p_answer.npy")
    assert np.array_equal(answered, fit.predict(case.X, rows=rows, jobs=Jobs()))
    assert np.array_equal(answered, fit.predict(case.X, rows=rows))
    only = case.fit(model, answer=rows, answers_only=True)
    assert (only.result.files.native, only.result.files.scaler, only.result.importance) == (None, None, None)
    assert {path.name for path in only.out.iterdir()} == {"p_stop.npy", "p_answer.npy"}
    assert np.array_equal(only.array("p_answer.npy"), answered)
    assert np.allclose(only.array("p_stop.npy"), fit.array("p_stop.npy"), atol=1e-7, rtol=0)


@pytest.mark.parametrize(
    "how",
    [
        {"stop": None},
        {"training": {"num_boost_round": 12, "early_stopping_rounds": None}},
        {"training": {"num_boost_round": 60, "early_stopping_rounds": 3}},
        {"params": {"min_gain_to_split": 1e9}},
        {"class_scale": (0.5, 1.0, 3.0)},
    ],
    ids=["no stop rows", "no patience", "little patience", "no split", "class scale"],
)
def test_lightgbm_answers_alike_whether_its_model_is_kept_or_not(case: Case, how: dict[str, Any]) -> None:
    rows = np.concatenate([case.train[-5:], case.stop[3::2]])
    fit, only = (case.fit("lightgbm", answer=rows, answers_only=only, **how) for only in (False, True))
    assert only.result.best_epoch == fit.result.best_epoch
    assert np.array_equal(only.array("p_answer.npy"), fit.array("p_answer.npy"))


def test_a_plug_in_may_leave_training_rows_out_where_only_answers_are_wanted(case: Case, tmp_path: Path) -> None:
    source = Path(__file__).with_name("plugin_stub.py").read_text()
    without = tmp_path / "without.py"
    without.write_text(source.replace("p_train=np.tile(shares, (len(task.data.y), 1))", "p_train=None"))
    only = case.fit("stub", adapter=str(without), answer=case.stop, answers_only=True)
    assert [path.name for path in only.out.iterdir()] == ["p_answer.npy"]
    request = case.request("stub", adapter=str(without), answer=case.stop)
    with pytest.raises(EngineError, match=r"stub gave no probabilities of the training rows"):
        run_job(case.jobs, request, case.caller)
    assert list(Path(request.out).iterdir()) == []


@every_model
def test_one_row_gets_what_it_gets_among_others(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    X = fit.case.X
    assert np.allclose(fit.predict(X[17 : 17 + fit.reach]), fit.predict(X)[17:18], atol=1e-6, rtol=0)


@every_model
def test_a_second_fit_and_other_threads_give_the_same_bits(case: Case, fitted: FittedOf, model: str) -> None:
    first = fitted(model).array("p_stop.npy")
    load_adapter("xgboost", None).cache.make_room(2**60)  # type: ignore[attr-defined]
    assert np.array_equal(case.fit(model).array("p_stop.npy"), first)
    other = case.fit(model, threads=2).array("p_stop.npy")
    # Torch adds a convolution's gradients in an order that depends on the threads, and training magnifies the last bit.
    assert np.allclose(other, first, atol=1e-3) if model in NEURAL else np.array_equal(other, first)


@every_model
def test_weights_change_the_fit_and_weights_of_one_do_not(case: Case, fitted: FittedOf, model: str) -> None:
    plain = fitted(model).array("p_stop.npy")
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


@pytest.mark.parametrize("model", TABULAR)
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
    epochs = {"xgboost": 40, "lightgbm": 40, "catboost": 40, **dict.fromkeys(NEURAL, EPOCHS)}
    rounds = (epochs[model], epochs[model]) if model in epochs else (0, 1)
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
    case.labels(20, np.where(np.arange(len(case.y)) == 13, -128, case.y).astype(np.int8))
    with pytest.raises(EngineError, match=r"Row 13 .* label -128"):
        case.fit(model)


@every_model
def test_another_number_of_columns_is_refused(fitted: FittedOf, model: str) -> None:
    with pytest.raises(EngineError, match="9 columns; the model takes 8"):
        fitted(model).predict(np.zeros((2, 9), np.float32))


@every_model
def test_a_model_is_not_read_as_another(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    other = msgspec.structs.replace(fit.request, model="logistic" if model == "xgboost" else "xgboost")
    with pytest.raises(EngineError, match=f"holds a model of {model}"):
        replace(fit, request=other).predict(fit.case.X)


@every_model
def test_a_fit_into_a_folder_used_before_replaces_what_is_remembered(case: Case, model: str) -> None:
    fit = case.fit(model)
    before = fit.predict(case.X)
    case.y = -case.y
    case.labels(20, case.y)
    again = case.fit(model, out=str(fit.out))
    assert not np.allclose(again.predict(case.X), before, atol=0.01)
    assert np.array_equal(again.predict(case.X), again.predict(case.X, jobs=Jobs()))


@every_model
def test_a_class_scale_of_nothing_is_refused(case: Case, model: str) -> None:
    with pytest.raises(EngineError, match="factors must be above 0"):
        case.fit(model, class_scale=(1.0, 0.0, 1.0))
