"""A fit that was killed goes on to what an unbroken one gives; a checkpoint that is not its own is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import NEURAL, Case, Fit, Quiet, log_loss

pytest.importorskip("torch", reason="torch is not installed")

from neural_support import remembered, training
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from foldwise_engine.errors import Cancelled, EngineError
from foldwise_engine.jobs import Jobs

EPOCHS = 6
FILES = ("model.safetensors", "p_train.npy", "p_stop.npy", "scaler.json")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Small, so that six epochs take no time."""
    return remembered(tmp_path / "data", rows=200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where checkpoints go."""
    made = tmp_path / "checkpoint"
    made.mkdir()
    return made


def fit(case: Case, model: str, folder: Path | None, **changes: Any) -> Fit:
    options = training(model, max_epochs=EPOCHS, patience=None, **changes.pop("options", {}))
    return case.fit(model, checkpoint=None if folder is None else str(folder), training=options, **changes)


def killed(case: Case, model: str, folder: Path, epoch: int, **changes: Any) -> Path:
    """Fit up to an epoch; the file that is left."""
    case.caller = Quiet(cancel_at=epoch)
    with pytest.raises(Cancelled):
        fit(case, model, folder, **changes)
    case.caller = Quiet()
    case.jobs = Jobs()
    (left,) = folder.iterdir()
    return left


@pytest.mark.parametrize("model", NEURAL)
@pytest.mark.parametrize("mode", ["dense", "windowed"])
def test_a_fit_that_goes_on_ends_as_an_unbroken_one(case: Case, folder: Path, model: str, mode: str) -> None:
    unbroken = fit(case, model, None, options={"mode": mode})
    killed(case, model, folder, 3, options={"mode": mode})
    resumed = fit(case, model, folder, options={"mode": mode})
    assert resumed.result.sequence is not None
    # The job was cancelled in the fourth epoch, after the third's checkpoint.
    assert resumed.result.sequence.resumed_from == 3
    assert [step for step, _, _ in case.caller.steps] == [4, 5, 6]
    for name in FILES:
        assert (resumed.out / name).read_bytes() == (unbroken.out / name).read_bytes()
    a, b = unbroken.result, resumed.result
    assert (a.best_epoch, a.total_epochs, a.early_stopped) == (b.best_epoch, b.total_epochs, b.early_stopped)


def test_the_schedule_and_the_best_epoch_survive(case: Case, folder: Path) -> None:
    case.labels(20, np.random.default_rng(0).integers(-1, 2, len(case.X)).astype(np.int8))
    options = training("tcn", lr=0.05, max_epochs=60, patience=14, lr_schedule="plateau")
    unbroken = case.fit("tcn", training=options)
    case.caller = Quiet(cancel_at=unbroken.result.best_epoch + 11)  # the rate was halved, the best weights are older
    with pytest.raises(Cancelled):
        case.fit("tcn", training=options, checkpoint=str(folder))
    case.caller = Quiet()
    resumed = case.fit("tcn", training=options, checkpoint=str(folder))
    assert unbroken.result.early_stopped
    assert case.caller.steps[0][2]["lr"] < 0.05
    assert (resumed.out / FILES[0]).read_bytes() == (unbroken.out / FILES[0]).read_bytes()
    assert resumed.result.total_epochs == unbroken.result.total_epochs


def test_a_finished_fit_is_not_trained_again(case: Case, folder: Path) -> None:
    first = fit(case, "lstm", folder)
    case.caller = Quiet()
    again = fit(case, "lstm", folder)
    assert case.caller.steps == []
    assert (again.out / FILES[0]).read_bytes() == (first.out / FILES[0]).read_bytes()
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 8},
        {"params": {"hidden_size": 13, "num_layers": 2, "dropout": 0.1}},
        {"options": {"lr": 0.05}},
        {"weights": np.linspace(0.5, 1.5, 153, dtype=np.float32)},
        {"train": np.arange(8, 150, dtype=np.int32)},
        {"stop": np.arange(170, 200, dtype=np.int32)},
        {"train, as many": np.arange(7, 160, dtype=np.int32)},
        {"stop, as many": np.arange(160, 199, dtype=np.int32)},
        {"class_scale": (1.0, 2.0, 1.0)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_configurations_checkpoint_is_refused(case: Case, folder: Path, changes: dict[str, Any]) -> None:
    left = killed(case, "gru", folder, 1)
    before = left.read_bytes()
    changes = {name.removesuffix(", as many"): value for name, value in changes.items()}
    with pytest.raises(EngineError, match="belongs to a fit of other data, parameters, seed") as caught:
        fit(case, "gru", folder, **changes)
    assert caught.value.code == "bad_data"
    assert str(left) in str(caught.value)
    assert caught.value.remedy == f"To start anew, resume the run with --fresh, or delete the folder {folder}."
    assert left.read_bytes() == before


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def rewritten(path: Path, **tensors: Any) -> None:
    with safe_open(path, "np") as file:
        head = file.metadata()
    save_file({**load_file(path), **tensors}, path, metadata=head)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut, "cannot be read"),
        (empty, "cannot be read"),
        (lambda path: path.write_bytes(b"\x80\x04\x95pickle" * 50), "cannot be read"),
        (lambda path: rewritten(path, **{"weights/mean": np.zeros(9, np.float32)}), "holds other tensors"),
        (lambda path: rewritten(path, **{"more/mean": np.zeros(4, np.float32)}), "holds other tensors"),
        (lambda path: save_file(load_file(path), path), "is no checkpoint of this version"),
    ],
    ids=["cut", "empty", "noise", "shape", "part", "head"],
)
def test_a_broken_checkpoint_is_refused(case: Case, folder: Path, harm: Callable[[Path], None], said: str) -> None:
    left = killed(case, "gru", folder, 1)
    harm(left)
    with pytest.raises(EngineError, match=said) as caught:
        fit(case, "gru", folder)
    assert caught.value.code == "bad_data"
    assert "delete the folder" in str(caught.value.remedy)


def test_a_loss_that_is_no_number_ends_the_fit_and_keeps_the_last_checkpoint(case: Case, folder: Path) -> None:
    with pytest.raises(EngineError, match="epoch 1, at a learning rate of 1e") as caught:
        case.fit("lstm", training=training("lstm", lr=1e38, grad_clip=None), checkpoint=str(folder))
    assert caught.value.code == "diverged"
    assert "smaller training.lr" in str(caught.value.remedy)
    assert list(folder.iterdir()) == []


def test_a_later_divergence_keeps_the_epoch_before(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from foldwise_engine.neural import loop

    left = killed(case, "lstm", folder, 2)
    kept = left.read_bytes()
    steps = loop._steps
    monkeypatch.setattr(loop, "_steps", lambda *given: steps(*given) * float("nan"))
    with pytest.raises(EngineError, match="epoch 3"):
        fit(case, "lstm", folder)
    assert left.read_bytes() == kept
    monkeypatch.undo()
    whole = fit(case, "lstm", folder)
    assert whole.result.total_epochs == EPOCHS
    assert log_loss(whole.array("p_stop.npy"), case.y[case.stop]) < 2
