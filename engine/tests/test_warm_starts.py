"""What a worker keeps of one fold serves no other: caches are keyed by every row, not by how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support import PARAMS, TRAINING, Case, Fit, sample

from foldwise_engine.data import Selection

CACHING = ["xgboost", "lightgbm", "catboost"]
FILES = ("p_train.npy", "p_stop.npy")

rows_of = st.lists(st.integers(0, 40), min_size=1, max_size=4).map(lambda rows: np.array(rows, np.int32))


@given(rows_of, rows_of)
@hypothesis_settings(deadline=None, max_examples=200)
def test_two_selections_have_one_key_exactly_where_they_have_the_same_rows(
    a: NDArray[np.int32], b: NDArray[np.int32]
) -> None:
    X = np.zeros((41, 1), np.float32)
    keys = [Selection(X, rows, "memory").key for rows in (a, b)]
    assert (keys[0] == keys[1]) == np.array_equal(a, b)
    assert keys[0] != Selection(X, a, "another file").key


def exchanged(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """As many rows with the same ends and the same sum, two of them other ones."""
    other = rows.copy()
    other[len(rows) // 3] += 1
    other[2 * len(rows) // 3] -= 1
    return other


def answers(fit: Fit) -> list[Any]:
    return [fit.array(name) for name in FILES]


def alone(case: Case, model: str, **rows: Any) -> list[Any]:
    """The same fit on a copy of the data, which no cache knows."""
    fit = Case(case.folder / f"alone{len(list(case.folder.iterdir()))}", case.X, case.y).fit(model, **rows)
    assert fit.result.quantised == "built"
    return answers(fit)


def same(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("model", CACHING)
def test_a_fold_of_as_many_other_training_rows_is_binned_by_itself(case: Case, model: str) -> None:
    rows = case.train[::2]
    first = case.fit(model, train=rows)
    other = case.fit(model, train=exchanged(rows))
    assert (first.result.quantised, other.result.quantised) == ("built", "built")
    again = case.fit(model, train=rows)
    assert again.result.quantised == "reused"
    assert same(answers(again), answers(first))
    assert same(answers(other), alone(case, model, train=exchanged(rows)))


@pytest.mark.parametrize("model", CACHING)
def test_a_fold_of_as_many_other_stop_rows_answers_for_its_own(case: Case, model: str) -> None:
    rows = case.stop[::2]
    first = case.fit(model, stop=rows)
    other = case.fit(model, stop=exchanged(rows))
    assert other.result.quantised == "reused"  # the training rows are the same ones
    assert not np.array_equal(other.array("p_stop.npy"), first.array("p_stop.npy"))
    assert same(answers(other), alone(case, model, stop=exchanged(rows)))


@pytest.mark.parametrize("model", CACHING)
def test_rows_that_were_stopped_by_are_binned_anew_where_they_train(case: Case, model: str) -> None:
    case.fit(model)
    turned = {"train": case.stop, "stop": case.train}
    fit = case.fit(model, **turned)
    assert fit.result.quantised == "built"
    assert same(answers(fit), alone(case, model, **turned))


def test_catboosts_borders_are_the_seeds_own_where_it_draws_rows_to_find_them(tmp_path: Path) -> None:
    X, y = sample(201_000, features=3)
    case = Case(tmp_path / "large", X, y)
    quick = {"params": {**PARAMS["catboost"], "depth": 1}, "training": {**TRAINING["catboost"], "num_boost_round": 1}}
    rows = {"train": np.arange(200_100, dtype=np.int32), "stop": case.stop[-100:]}
    told = [case.fit("catboost", **quick, **rows, seed=seed).result.quantised for seed in (7, 8, 7)]
    assert told == ["built", "built", "reused"]
