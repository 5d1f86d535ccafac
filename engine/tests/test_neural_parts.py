"""A training step in two parts, side by side: the same answers by however many threads they are computed."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support import NEURAL, PARAMS

pytest.importorskip("torch", reason="torch is not installed")

import torch
from neural_support import network, remembered, training
from safetensors.numpy import load_file

from foldwise_engine.neural import adapter
from foldwise_engine.neural.dropout import drawn_from, dropout
from foldwise_engine.neural.parts import SideBySide, divided
from foldwise_engine.neural.plan import Step
from foldwise_engine.neural.recurrent import Recurrent
from foldwise_engine.neural.transformer import Transformer


@given(st.integers(1, 9), st.integers(1, 7), st.integers(1, 5), st.data())
@hypothesis_settings(deadline=None)
def test_parts_hold_each_answer_of_their_step_once(sequences: int, answers: int, lead: int, data: st.DataObject) -> None:
    places = st.lists(st.integers(0, sequences * answers - 1), min_size=1, unique=True)
    picked = np.array(sorted(data.draw(places)), dtype=np.int64)
    bars = np.arange(sequences * (answers + lead - 1)).reshape(sequences, -1)
    step = Step(bars, answers, picked, 100 + np.arange(len(picked)))
    parts = divided(step, 2)
    assert len(parts) == min(2, sequences)
    assert np.array_equal(np.concatenate([part.bars for part in parts]), bars)
    assert np.array_equal(np.concatenate([part.labelled for part in parts]), step.labelled)
    before = 0
    for part in parts:
        assert np.all((part.picked >= 0) & (part.picked < len(part.bars) * answers))
        assert np.array_equal(part.picked + before * answers, picked[np.isin(step.labelled, part.labelled)])
        before += len(part.bars)
    assert divided(step, 1) == [step]


@pytest.mark.parametrize("mode", ["dense", "windowed"])
@pytest.mark.parametrize("model", NEURAL)
def test_cores_change_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, mode: str) -> None:
    """Stop rows that lie apart are answered window by window."""
    fitted = []
    for threads in (1, 2):
        monkeypatch.setattr(adapter, "_machine_threads", lambda threads=threads: threads)
        case = remembered(tmp_path / f"data{threads}")
        stop = case.stop if mode == "dense" else case.stop[::5]
        fit = case.fit(model, stop=stop, training=training(model, mode=mode, max_epochs=2, patience=None))
        fitted.append({**load_file(fit.native), "p_stop": fit.array("p_stop.npy")})
    assert fitted[0].keys() == fitted[1].keys()
    for name, value in fitted[0].items():
        assert np.array_equal(value, fitted[1][name]), name


@pytest.mark.parametrize("model", ["lstm", "gru", "transformer"])
def test_parts_learn_what_the_whole_step_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """Without dropout, which is another draw, and weighted: the sums differ in their last digits only."""
    fitted = []
    for parts in (1, 2):
        monkeypatch.setattr(Transformer if model == "transformer" else Recurrent, "parts", parts)
        case = remembered(tmp_path / f"data{parts}")
        weights = np.random.default_rng(1).uniform(0.2, 3, len(case.train)).astype(np.float32)
        options = training(model, max_epochs=2, patience=None)
        fit = case.fit(model, weights=weights, params={**PARAMS[model], "dropout": 0.0}, training=options)
        fitted.append(fit.array("p_stop.npy"))
    assert np.abs(fitted[0] - fitted[1]).max() < 1e-4


def test_dropout_is_drawn_from_the_parts_own_chance() -> None:
    x = torch.ones(4000)

    def drawn(seed: int) -> torch.Tensor:
        with drawn_from(torch.Generator().manual_seed(seed)):
            return dropout(x, 0.5, training=True)

    alone = [drawn(seed) for seed in (1, 2)]
    torch.manual_seed(0)
    with SideBySide(2) as together:
        beside = together.run([lambda: drawn(1), lambda: drawn(2)], 1)
    assert torch.equal(alone[0], beside[0])
    assert torch.equal(alone[1], beside[1])
    assert not torch.equal(alone[0], alone[1])
    for share, kept in ((1e-7, 4000), (0.9999999, 0)):  # rounded to what 16 bits can say, still by the part's own chance
        before = torch.get_rng_state()
        with drawn_from(torch.Generator().manual_seed(1)):
            assert int((dropout(x, share, training=True) != 0).sum()) == kept
        assert torch.equal(before, torch.get_rng_state())


def test_pieces_of_work_run_at_the_same_time_and_errors_come_out() -> None:
    meeting = threading.Barrier(2, timeout=20)
    with SideBySide(2) as together:
        assert together.run([lambda: bool(meeting.wait() + 1), lambda: bool(meeting.wait() + 1)], 1) == [True, True]

        def fail() -> bool:
            raise ValueError("as it should")

        for work in ([fail, lambda: True], [lambda: True, fail]):
            with pytest.raises(ValueError, match="as it should"):
                together.run(work, 1)
        assert together.run([lambda: 3, lambda: 4], 1) == [3, 4]
    with SideBySide(1) as together:
        threads = together.run([threading.get_ident, threading.get_ident], 1)
    assert threads == [threading.get_ident()] * 2


def test_networks_say_in_how_many_parts() -> None:
    assert {model: network(model).parts for model in NEURAL} == {"lstm": 2, "gru": 2, "tcn": 1, "transformer": 2}
