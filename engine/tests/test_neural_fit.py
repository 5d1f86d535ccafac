"""What a fit of a sequence model promises, through the jobs. No mocks: torch trains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ENGINE, NEURAL, TABULAR, Case, Quiet, TalkingWorker, log_loss

pytest.importorskip("torch", reason="torch is not installed")

from neural_support import T, remembered, training

from foldwise_engine.errors import EngineError
from foldwise_engine.jobs import Jobs, run_job

every_model = pytest.mark.parametrize("model", NEURAL)
SHORT = {"max_epochs": 2, "patience": None}


@every_model
@pytest.mark.parametrize("mode", ["dense", "windowed"])
def test_it_learns_what_only_the_bars_before_tell(tmp_path: Path, model: str, mode: str) -> None:
    case = remembered(tmp_path / "data")
    options = training(model, mode=mode, max_epochs=25, patience=25)
    fit = case.fit(model, training=options)
    shares = np.bincount(case.y[case.train] + 1) / len(case.train)
    prior = log_loss(np.tile(shares, (len(case.stop), 1)).astype(np.float32), case.y[case.stop])
    assert log_loss(fit.array("p_stop.npy"), case.y[case.stop]) < 0.8 * prior
    sequence = fit.result.sequence
    assert sequence is not None
    assert (sequence.mode, sequence.precision, sequence.batch_size, sequence.resumed_from) == (mode, "fp32", 64, 0)
    assert 1 <= sequence.receptive_field <= T
    assert fit.result.quantised is None
    assert json.loads((fit.out / "fit.json").read_text())["seq_len"] == T


@every_model
def test_progress_tells_each_epoch(case: Case, model: str) -> None:
    case.fit(model, training=training(model, max_epochs=3, patience=None))
    assert [(step, total) for step, total, _ in case.caller.steps] == [(1, 3), (2, 3), (3, 3)]
    for _, _, metrics in case.caller.steps:
        assert metrics.keys() == {"train_loss", "stop_loss", "lr", "samples_per_second"}
        assert all(value > 0 for value in metrics.values())


@every_model
def test_the_best_epoch_is_kept_and_patience_ends_the_fit(tmp_path: Path, model: str) -> None:
    case = remembered(tmp_path / "data", rows=260)
    case.labels(20, np.random.default_rng(0).integers(-1, 2, len(case.X)).astype(np.int8))
    case.y = np.load(case.folder / "y_h20.npy")
    fit = case.fit(model, training=training(model, max_epochs=40, patience=3, lr=0.02))
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert fit.result.early_stopped
    assert fit.result.best_epoch == int(np.argmin(losses)) + 1
    assert fit.result.total_epochs == len(losses) == fit.result.best_epoch + 3
    assert log_loss(fit.array("p_stop.npy"), case.y[case.stop]) == pytest.approx(min(losses), abs=1e-5)


def test_stopping_decides_on_what_is_served(tmp_path: Path) -> None:
    case = remembered(tmp_path / "data", rows=300)
    scale = (4.0, 0.5, 0.5)
    fit = case.fit("tcn", class_scale=scale, training=training("tcn", max_epochs=4))
    losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    served = fit.array("p_stop.npy") * np.array(scale, np.float32)
    served /= served.sum(axis=1, keepdims=True)
    assert log_loss(served, case.y[case.stop]) == pytest.approx(min(losses), abs=1e-5)


def test_schedules_lower_the_learning_rate_as_they_say(tmp_path: Path) -> None:
    case = remembered(tmp_path / "data", rows=200)
    rates = {}
    for schedule in ("cosine", "constant", "plateau"):
        case.caller = Quiet()
        case.labels(20, np.random.default_rng(0).integers(-1, 2, len(case.X)).astype(np.int8))
        case.fit("gru", training=training("gru", lr_schedule=schedule, max_epochs=24, patience=None, lr=0.08))
        rates[schedule] = [metrics["lr"] for _, _, metrics in case.caller.steps]
        losses = [metrics["stop_loss"] for _, _, metrics in case.caller.steps]
    assert rates["constant"] == [0.08] * 24
    assert rates["cosine"] == pytest.approx([0.04 * (1 + np.cos(np.pi * epoch / 24)) for epoch in range(24)])
    expected, stale, best, rate = [], 0, np.inf, 0.08
    for loss in losses:
        expected.append(rate)
        stale, best = (0, loss) if loss < best else (stale + 1, best)
        if stale == 10:
            stale, rate = 0, rate / 2
    assert rates["plateau"] == expected
    assert rate < 0.08


@every_model
def test_rows_outside_of_windows_and_of_the_training_part_change_nothing(tmp_path: Path, model: str) -> None:
    """A piece with no labelled row, rows before `from`, rows between the training part and the first stop window."""
    n = 420
    piece = np.repeat(np.array([0, 1, 2, 3], np.int32), [150, 60, 130, 80])
    train = np.concatenate([np.arange(20 + T - 1, 150), np.arange(210 + T - 1, 300)]).astype(np.int32)
    stop = np.arange(340 + T - 1, n, dtype=np.int32)
    rows = {"train": train, "stop": stop, "piece": piece, "span": (20, 300)}
    answers = []
    for poison in (None, np.nan, 1e30):
        case = remembered(tmp_path / f"data{poison}", rows=n)
        X = case.X.copy()
        if poison is not None:
            for part in (slice(0, 20), slice(150, 210), slice(300, 338)):
                X[part] = poison
        poisoned = Case(tmp_path / f"poisoned{poison}", X, case.y)
        fit = poisoned.fit(model, **rows, training=training(model, **SHORT))
        answers.append([fit.array("p_train.npy"), fit.array("p_stop.npy")])
    for other in answers[1:]:
        assert np.array_equal(answers[0][0], other[0])
        assert np.array_equal(answers[0][1], other[1])


@every_model
def test_context_rows_inside_the_training_part_are_seen_but_take_no_loss(tmp_path: Path, model: str) -> None:
    case = remembered(tmp_path / "data", rows=300)
    rows = case.train[case.train % 3 > 0]
    before = case.fit(model, train=rows, training=training(model, **SHORT)).array("p_stop.npy")
    y = case.y.copy()
    y[case.train[case.train % 3 == 0]] = -128
    case.labels(20, y)
    assert np.array_equal(case.fit(model, train=rows, training=training(model, **SHORT)).array("p_stop.npy"), before)


@every_model
def test_pieces_barely_longer_than_a_window_are_trained_on(tmp_path: Path, model: str) -> None:
    case = remembered(tmp_path / "data", rows=30 * (T + 1))
    piece = np.repeat(np.arange(30, dtype=np.int32), T + 1)
    ends = np.flatnonzero(np.arange(len(piece)) % (T + 1) >= T - 1).astype(np.int32)
    train, stop = ends[:46], ends[46:]
    fit = case.fit(model, train=train, stop=stop, piece=piece, training=training(model, **SHORT))
    assert fit.array("p_train.npy").shape == (46, 3)
    assert fit.array("p_stop.npy").shape == (len(stop), 3)


@every_model
def test_one_bar_one_feature_and_one_class_less(tmp_path: Path, model: str) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 1)).astype(np.float32)
    case = Case(tmp_path / "data", X, np.where(X[:, 0] > 0, 1, -1).astype(np.int8))
    fit = case.fit(model, training=training(model, seq_len=1, max_epochs=12))
    assert any("A window of one bar" in warning for warning in fit.result.warnings)
    assert fit.result.classes == [-1, 1]
    assert fit.predict(X).shape == (400, 3)
    assert log_loss(fit.array("p_stop.npy"), case.y[case.stop]) < 0.4


@every_model
def test_the_scaler_is_that_of_the_training_rows(case: Case, model: str) -> None:
    rows = case.train[::2]
    fit = case.fit(model, train=rows, training=training(model, **SHORT))
    scaler = json.loads((fit.out / "scaler.json").read_text())
    X = case.X[rows].astype(np.float64)
    filled = np.where(np.isnan(X), np.nan_to_num(np.array(scaler["median"])), X)
    assert scaler["median"][:6] == pytest.approx(np.nanmedian(X[:, :6], axis=0), abs=1e-6)
    assert scaler["mean"] == pytest.approx(filled.mean(axis=0), abs=1e-6)
    assert scaler["scale"][:6] == pytest.approx(filled.std(axis=0)[:6], rel=1e-6)
    assert scaler["median"][6] == 0  # all NaN
    assert scaler["scale"][6] == scaler["scale"][7] == 1  # constant


@pytest.mark.parametrize("largest", [np.inf, 3.3e38])
def test_values_too_large_are_refused(case: Case, largest: float) -> None:
    X = case.X.copy()
    X[20:800, 3], X[800:900, 3] = largest, -largest
    with pytest.raises(EngineError, match="Feature 4 holds values too large"):
        Case(case.folder / "large", X, case.y).fit("lstm")


def test_a_recurrent_model_answers_for_a_sample_of_many_training_rows(tmp_path: Path) -> None:
    case = remembered(tmp_path / "data", rows=11_000, features=1)
    options = {"max_epochs": 1, "patience": None, "batch_size": 512}
    fit = case.fit("gru", training=training("gru", **options))
    assert fit.result.files.train_rows == "train_rows.npy"
    positions = fit.array("train_rows.npy")
    assert positions.dtype == np.int32
    assert len(positions) == len(fit.array("p_train.npy")) == 8192
    assert np.all(np.diff(positions) > 0)
    assert np.allclose(fit.predict(case.X, rows=case.train[positions]), fit.array("p_train.npy"), atol=1e-6)
    whole = case.fit("tcn", training=training("tcn", **options))
    assert whole.result.files.train_rows is None
    assert len(whole.array("p_train.npy")) == len(case.train)


@every_model
def test_half_precision_on_request(tmp_path: Path, model: str) -> None:
    case = remembered(tmp_path / "data", rows=300)
    fit = case.fit(model, training=training(model, precision="bf16", **SHORT))
    assert fit.result.sequence is not None
    assert fit.result.sequence.precision == "bf16"
    full = case.fit(model, training=training(model, **SHORT)).array("p_stop.npy")
    assert np.abs(fit.array("p_stop.npy") - full).max() < 0.1
    assert not np.array_equal(fit.array("p_stop.npy"), full)


@pytest.mark.parametrize(
    ("model", "changes", "code", "said"),
    [
        ("transformer", {"params": {"d_model": 10, "nhead": 4}}, "bad_parameter", "10 is no multiple of nhead 4"),
        ("lstm", {"params": {"hidden_size": 0}}, "bad_parameter", "hidden_size"),
        ("gru", {"training": {"seq_len": T, "precision": "fp16"}}, "bad_parameter", "precision"),
        ("tcn", {"training": {"max_epochs": 3}}, "bad_parameter", "seq_len"),
        ("lstm", {"train": np.arange(3, 99, dtype=np.int32)}, "bad_data", "Row 3 of the training rows has no window of 8"),
        ("lstm", {"span": (15, 968)}, "bad_data", "within rows 15 to 967"),
        ("gru", {"piece": np.zeros(5, np.int32)}, "bad_data", "5 numbers for 1208 rows"),
        ("gru", {"window": None}, "bad_request", "the request has no window"),
        ("gru", {"checkpoint": "/nowhere"}, "bad_request", "/nowhere is not a folder"),
    ],
)
def test_what_no_sequence_model_takes(case: Case, model: str, changes: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        case.fit(model, **changes)
    assert caught.value.code == code


def test_a_prediction_wants_whole_windows(case: Case) -> None:
    fit = case.fit("tcn", training=training("tcn", **SHORT))
    assert len(fit.predict(case.X[:T])) == 1
    with pytest.raises(EngineError, match="has 7 rows; a window takes 8"):
        fit.predict(case.X[: T - 1])
    with pytest.raises(EngineError, match="names row 6; the first window of 8 rows ends with row 7"):
        fit.predict(case.X, rows=np.array([50, T - 2], np.int32))


@every_model
def test_cancelling_is_heard(case: Case, model: str) -> None:
    case.caller.cancel_at = 2
    with pytest.raises(EngineError, match="cancelled"):
        case.fit(model, training=training(model, max_epochs=1000, patience=None))
    assert len(case.caller.steps) == 2


def test_another_process_writes_the_same_bytes(case: Case, worker: TalkingWorker) -> None:
    for model in NEURAL:
        there, here = (case.request(model, training=training(model, **SHORT)) for _ in range(2))
        worker.ask(there)
        run_job(Jobs(), here, Quiet())
        for name in ("model.safetensors", "p_train.npy", "p_stop.npy"):
            assert (Path(here.out) / name).read_bytes() == (Path(there.out) / name).read_bytes()


def test_no_tabular_model_imports_torch() -> None:
    code = f"""
import sys
from foldwise_engine.adapter import load_adapter
import foldwise_engine.jobs, foldwise_engine.export.graph, foldwise_engine.worker
for model in {TABULAR}:
    load_adapter(model, None)
assert "torch" not in sys.modules
"""
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, cwd=ENGINE, check=False)
    assert done.returncode == 0, done.stderr
