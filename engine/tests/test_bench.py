"""The bench of the sequence models, from its command line: small, but all of it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import ENGINE

pytest.importorskip("torch", reason="torch is not installed")

from foldwise_engine.bench.__main__ import main
from foldwise_engine.bench.data import LENGTHS, PARAMS, SEQUENCE, Task, make_dataset
from foldwise_engine.bench.plain import network, seconds_of_epoch


def test_the_command_measures_both_sides() -> None:
    asked = ["--small", "--models", "tcn", "--parts", "epochs,latency", "--pairs", "1", "--share", "0.1"]
    command = [sys.executable, "-m", "foldwise_engine.bench", *asked]
    done = subprocess.run(command, capture_output=True, cwd=ENGINE, check=True)
    figures = json.loads(done.stdout)
    (epochs,), (latency,) = figures["epochs"], figures["latency"]
    assert epochs["ours"] > epochs["train_seconds"] > 0
    assert epochs["plain"] > 0
    assert 0 < epochs["rate"] < 2 * epochs["matrix_rate"]
    assert latency["seconds"] > 0
    assert b"tcn: ours" in done.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--models", "lstm,mamba"], "'mamba' is not among lstm, gru, tcn, transformer"),
        (["--parts", "speed"], "'speed' is not among epochs, fits, latency, quality"),
        (["--pairs", "0"], "'0' is not a whole number of at least 1"),
        (["--share", "nan"], "'nan' is not above 0 and at most 1"),
        (["--dataset", "nowhere"], "--dataset nowhere has no X.npy and no y_h20.npy"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: list[str], said: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["foldwise_engine.bench", *asked])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("model", SEQUENCE)
def test_the_reference_trains_a_network_of_the_same_sizes(tmp_path: Path, model: str) -> None:
    import torch

    folder = make_dataset(tmp_path / "data", 200, 6, 0)
    task = Task(
        what="plain",
        model=model,
        params=PARAMS[model],
        length=LENGTHS[model],
        dataset=str(folder),
        horizon=20,
        train=64,
        stop=32,
        device="cpu",
        threads=1,
        seed=1,
    )
    assert seconds_of_epoch(task) > 0
    net = network(model, 6, task.length, task.params)
    assert net(torch.zeros(5, task.length, 6)).shape == (5, 3)
