"""Windows and segments as row numbers: pure, no engine. Segments stay where they may, and visit every labelled row once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foldwise_engine.errors import EngineError
from foldwise_engine.windows import Window, gather, piece_starts, window_blocks

pytest.importorskip("torch", reason="torch is not installed")

from foldwise_engine.neural.plan import Dense, Plan, Windowed


@st.composite
def layouts(draw: st.DrawFn) -> tuple[Window, NDArray[np.int32]]:
    """Pieces of all lengths, a training part that cuts them anywhere, and some of its rows that end a window."""
    lengths = draw(st.lists(st.integers(1, 60), min_size=1, max_size=8))
    piece = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    start = draw(st.integers(0, len(piece) - 1))
    window = Window(draw(st.integers(1, 12)), piece_starts(piece), start, draw(st.integers(start + 1, len(piece))))
    rows = [row for first, end in window.runs() for row in range(first + window.length - 1, end)]
    if not rows:
        rows_kept: list[int] = []
    else:
        share = draw(st.sampled_from([1.0, 0.7, 0.1]))
        kept = np.random.default_rng(draw(st.integers(0, 99))).random(len(rows)) < share
        rows_kept = [row for row, keep in zip(rows, kept, strict=True) if keep] or rows[:1]
    return window, np.array(rows_kept, dtype=np.int32)


def steps_of(plan: Plan, seed: int, window: Window, train: NDArray[np.int32]) -> list[int]:
    """Check an epoch; the number of labelled answers of each step."""
    piece = np.searchsorted(window.starts, np.arange(window.end), side="right")
    seen, sizes = [], []
    for step in plan.epoch(np.random.default_rng(seed)):
        assert step.bars.min() >= window.start
        assert step.bars.max() < window.end
        assert np.all(piece[step.bars] == piece[step.bars[:, :1]])
        # The answer at (b, s) is that of the bar s + lead − 1 of sequence b, and the bars up to it are the row's own.
        lead = step.bars.shape[1] - step.answers + 1
        sequence, position = np.divmod(step.picked, step.answers)
        for back in range(lead):
            assert np.array_equal(step.bars[sequence, position + lead - 1 - back], train[step.labelled] - back)
        seen.append(step.labelled)
        sizes.append(len(step.labelled))
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(len(train)))
    return sizes


@given(layouts(), st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(0, 5))
@hypothesis_settings(deadline=None, max_examples=150)
def test_an_epoch_visits_each_row_once_and_leaves_neither_piece_nor_training_part(
    layout: tuple[Window, NDArray[np.int32]], batch: int, answers: int, lead: int, seed: int
) -> None:
    window, train = layout
    if len(train) == 0:
        return
    steps_of(Dense(window, train, batch, min(answers, batch), min(lead, window.length)), seed, window, train)
    steps_of(Windowed(train, window.length, batch), seed, window, train)


def test_steps_are_of_about_the_size_asked_for() -> None:
    window = Window(30, np.array([0, 4000]), 100, 9_900)
    train = np.array([row for first, end in window.runs() for row in range(first + 29, end)], dtype=np.int32)
    for seed in range(5):
        sizes = steps_of(Dense(window, train, 256, 64, 30), seed, window, train)
        assert min(sizes) >= 192
        assert max(sizes) <= 320
        assert np.mean(sizes) == pytest.approx(256, rel=0.03)


def test_epochs_differ_in_phase_and_order_and_a_seed_repeats_them() -> None:
    window = Window(4, np.array([0]), 0, 300)
    plan = Dense(window, np.arange(3, 300, dtype=np.int32), 32, 16, 4)
    a, b, again = ([step.bars for step in plan.epoch(np.random.default_rng(seed))] for seed in (1, 2, 1))
    assert all(np.array_equal(x, y) for x, y in zip(a, again, strict=True))
    assert {int(x[0, 0]) % 16 for x in a} != {int(x[0, 0]) % 16 for x in b}


def test_windows_are_gathered_as_they_stand() -> None:
    X = np.arange(60, dtype=np.float32).reshape(20, 3)
    ends = np.array([4, 19, 5], np.int32)
    expected = np.stack([X[end - 4 : end + 1] for end in ends])
    assert np.array_equal(gather(X, ends, 5), expected)
    assert np.array_equal(np.concatenate(list(window_blocks(X, ends, 5))), expected)


def test_rows_without_a_whole_window_are_refused() -> None:
    piece = np.array([5] * 10 + [2] * 10, np.int32)
    window = Window(4, piece_starts(piece), 2, 18)
    window.check(np.array([5, 9, 13, 17], np.int32), np.array([3, 19], np.int32))
    for wrong in (4, 10, 12, 18):
        with pytest.raises(EngineError, match=f"Row {wrong} of the training rows has no window of 4 rows"):
            window.check(np.array([5, wrong], np.int32), None)
    for wrong in (2, 10, 12):
        with pytest.raises(EngineError, match=f"Row {wrong} of the stop rows"):
            window.check(np.array([5], np.int32), np.array([wrong], np.int32))
