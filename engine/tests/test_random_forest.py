"""What the random_forest adapter alone promises. No mocks: the engine fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from support import PARAMS, Case, in_node, sample

from foldwise_engine.errors import Cancelled, EngineError
from foldwise_engine.jobs import Jobs
from foldwise_engine.models.random_forest import _to_bins

State = dict[str, Any]


def direct(case: Case, weights: NDArray[np.float32] | None = None) -> Pipeline:
    """The library called by hand with the same parameters."""
    forest = RandomForestClassifier(**PARAMS["random_forest"], random_state=7, n_jobs=2)
    pipeline = Pipeline([("imputer", SimpleImputer(strategy="median", keep_empty_features=True)), ("forest", forest)])
    return pipeline.fit(case.X[case.train], case.y[case.train] + 1, forest__sample_weight=weights)


def trees_of(model: Pipeline) -> list[State]:
    return [tree.tree_.__getstate__() for tree in model[-1].estimators_]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_trees_are_those_of_one_direct_call(case: Case, threads: int, weighted: bool) -> None:
    random = np.random.default_rng(3)
    weights = random.uniform(0.5, 2, len(case.train)).astype(np.float32) if weighted else None
    fit = case.fit("random_forest", threads=threads, weights=weights)
    ours = skops.io.load(fit.out / "model.skops", trusted=["numpy.dtype", "sklearn.tree._tree.Tree"])
    for mine, theirs in zip(trees_of(ours), trees_of(direct(case, weights)), strict=True):
        assert np.array_equal(mine["values"], theirs["values"])
        for name in mine["nodes"].dtype.names:  # not the bytes: the padding between fields is whatever was there
            assert np.array_equal(mine["nodes"][name], theirs["nodes"][name], equal_nan=True)


def test_as_many_bins_as_values_split_the_drawn_rows_alike(case: Case) -> None:
    every, binned = (case.fit("random_forest", params={**PARAMS["random_forest"], "max_bin": b}) for b in (None, 65_535))
    trusted = ["numpy.dtype", "sklearn.tree._tree.Tree"]
    ours, theirs = (trees_of(skops.io.load(fit.out / "model.skops", trusted=trusted)) for fit in (every, binned))
    for one, other in zip(ours, theirs, strict=True):
        # Thresholds lie between the same two drawn rows, though not at the same place between them.
        for name in ("left_child", "right_child", "feature", "n_node_samples", "impurity"):
            assert np.array_equal(one["nodes"][name], other["nodes"][name])


@pytest.mark.parametrize("bins", [2, 3, 16, 255])
def test_bins_bound_the_thresholds_of_a_feature_and_are_served_as_values(case: Case, bins: int) -> None:
    fit = case.fit("random_forest", params={**PARAMS["random_forest"], "max_bin": bins}, threads=2)
    thresholds: dict[int, set[float]] = {}
    for tree in trees_of(skops.io.load(fit.out / "model.skops", trusted=["numpy.dtype", "sklearn.tree._tree.Tree"])):
        nodes = tree["nodes"][tree["nodes"]["left_child"] != -1]
        for feature, threshold in zip(nodes["feature"], nodes["threshold"], strict=True):
            thresholds.setdefault(int(feature), set()).add(float(threshold))
    assert max(map(len, thresholds.values())) <= bins - 1
    # The training rows were answered by their bins; the file answers by values.
    assert np.array_equal(fit.predict(case.X[case.train], jobs=Jobs()), fit.array("p_train.npy"))
    path, _ = fit.export()
    raw, _ = in_node(path, case.X[case.stop])
    assert np.abs(raw - fit.array("p_stop.npy")).max() < 1e-6


def test_equal_quantiles_make_equal_bins_and_a_rare_largest_value_still_splits() -> None:
    X = np.array([[0, 0, 0, 0, 0, 0, 0, 0, 1, 9], [5] * 10], dtype=np.float32).T.copy()
    borders = _to_bins(X, 2, 1, lambda: None)
    assert [each.tolist() for each in borders] == [[0.5], []]
    assert X.T.tolist() == [[0] * 8 + [1, 1], [0] * 10]
    wide = np.arange(1000, dtype=np.float32)[:, None].copy()
    _to_bins(wide, 10, 1, lambda: None)
    assert np.abs(np.bincount(wide[:, 0].astype(int)) - 100).max() <= 1


def test_progress_is_told_and_cancelling_heard_between_blocks_of_trees(case: Case) -> None:
    case.fit("random_forest")
    assert [step for step, _, _ in case.caller.steps] == [10, 20, 30]
    case.caller.steps.clear()
    case.fit("random_forest", threads=2)
    assert [step for step, _, _ in case.caller.steps] == [20, 30]
    case.caller.steps.clear()
    case.caller.cancel_at = 10
    with pytest.raises(Cancelled):
        case.fit("random_forest")
    assert [step for step, _, _ in case.caller.steps] == [10]


def test_importance_is_impurity_and_finds_the_signal(case: Case) -> None:
    fit = case.fit("random_forest")
    assert fit.result.importance is not None
    assert fit.result.importance.kind == "impurity"
    shares = fit.array("importance.npy")
    assert shares.sum() == pytest.approx(1)
    assert int(shares.argmax()) == 0
    assert shares[6] == shares[7] == 0  # all missing, constant


def test_trees_that_never_split_have_no_importance(case: Case) -> None:
    fit = case.fit("random_forest", params={"n_estimators": 3, "min_samples_leaf": 900})
    assert fit.result.importance is None
    assert np.ptp(fit.predict(case.X), axis=0).max() == 0


def test_the_training_rows_weights_are_not_in_the_file(case: Case) -> None:
    weights = np.random.default_rng(3).uniform(0.5, 2, len(case.train)).astype(np.float32)
    fit = case.fit("random_forest", weights=weights)
    model = skops.io.load(fit.out / "model.skops", trusted=["numpy.dtype", "sklearn.tree._tree.Tree"])
    assert model[-1]._sample_weight is None
    assert not model[-1].warm_start


def test_a_grown_out_forest_keeps_parity_on_every_border(tmp_path: Path) -> None:
    """scikit-learn's own defaults: pure leaves, one row each, and thresholds half way between two float32."""
    X, y = sample(600, seed=4)
    X[:, 1] = np.float32(1) + np.random.default_rng(5).integers(0, 4, 600) * np.float32(2**-23)  # neighbours
    fit = Case(tmp_path / "deep", X, y).fit("random_forest", params={"n_estimators": 20})
    path, result = fit.export()
    assert result.borders is not None
    borders = np.load(path.with_name(result.borders))
    probes = np.repeat(X[np.random.default_rng(6).integers(0, 600, len(borders))], 3, axis=0)
    for i, (feature, threshold) in enumerate(borders):
        for k, value in enumerate((threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf))):
            probes[3 * i + k, int(feature)] = value
    raw, final = in_node(path, probes)
    assert np.abs(raw - fit.predict(probes)).max() < 1e-6
    assert np.array_equal(raw, final)


def hostile(change: Callable[[State], None]) -> Callable[[Pipeline], None]:
    """Change the first tree's state as a file could hold it."""

    def apply(model: Pipeline) -> None:
        tree = model[-1].estimators_[0].tree_
        state = {name: value.copy() if hasattr(value, "copy") else value for name, value in tree.__getstate__().items()}
        change(state)
        tree.__setstate__(state)

    return apply


def field(name: str, value: float) -> Callable[[Pipeline], None]:
    def change(state: State) -> None:
        state["nodes"][name][0] = value

    return hostile(change)


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(field("left_child", 10**6), id="a child that does not exist"),
        pytest.param(field("right_child", -5), id="a child before the first node"),
        pytest.param(field("left_child", 0), id="a node that is its own child"),
        pytest.param(field("left_child", -1), id="half a leaf"),
        pytest.param(field("feature", 10**6), id="a feature that does not exist"),
        pytest.param(field("feature", -3), id="a feature before the first"),
        pytest.param(hostile(lambda state: state["values"].fill(np.nan)), id="shares that are no numbers"),
        pytest.param(hostile(lambda state: state["values"].fill(9.0)), id="shares above one"),
        pytest.param(lambda model: model[-1].estimators_.clear(), id="no trees"),
        pytest.param(lambda model: setattr(model[-1], "n_outputs_", 2), id="two outputs"),
        pytest.param(lambda model: setattr(model[-1], "n_classes_", 10**9), id="more classes than leaves have"),
        pytest.param(lambda model: setattr(model[-1], "n_features_in_", 1), id="fewer features than trees use"),
        pytest.param(lambda model: model[-1].estimators_.append(SimpleImputer()), id="a tree that is none"),
    ],
)
def test_a_hostile_forest_is_refused_before_it_is_walked(case: Case, attack: Callable[[Pipeline], None]) -> None:
    fit = case.fit("random_forest", params={**PARAMS["random_forest"], "n_estimators": 3})
    native = fit.native
    model = skops.io.load(native, trusted=["numpy.dtype", "sklearn.tree._tree.Tree"])
    attack(model)
    skops.io.dump(model, native)
    with pytest.raises(EngineError, match=r"cannot be walked|another kind") as caught:
        fit.predict(case.X, jobs=Jobs())
    assert caught.value.code == "bad_data"


def test_a_file_with_anything_else_in_it_is_refused(case: Case) -> None:
    from sklearn.preprocessing import FunctionTransformer

    fit = case.fit("random_forest")
    native = fit.native
    skops.io.dump(FunctionTransformer(func=np.save), native)
    with pytest.raises(EngineError, match="no use for"):
        fit.predict(case.X, jobs=Jobs())
    skops.io.dump(RandomForestClassifier(), native)
    with pytest.raises(EngineError, match="does not hold"):
        fit.predict(case.X, jobs=Jobs())


def test_what_the_library_would_refuse_is_a_bad_parameter(case: Case) -> None:
    for params in (
        {"max_samples": 0.5, "bootstrap": False},
        {"max_features": 2.0},
        {"n_estimators": 0},
        {"splitter": "best"},
    ):
        with pytest.raises(EngineError) as caught:
            case.fit("random_forest", params=params)
        assert caught.value.code == "bad_parameter"
