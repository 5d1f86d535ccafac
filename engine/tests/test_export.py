"""The graph in onnxruntime-node gives what the engine gives: real rows, holes, and both sides of every border."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from support import MODELS, Case, Fit, FittedOf, in_node, sample

from foldwise_engine.errors import EngineError
from foldwise_engine.export.trees import MAX_BORDERS, borders_of
from foldwise_engine.protocol import Calibrator
from foldwise_engine.windows import gather

every_model = pytest.mark.parametrize("model", MODELS)
PARITY = 1e-5


def probes(case: Case, borders: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Real rows, rows of nothing but NaN, and for each border a row on it, just below and just above."""
    parts = [case.X, np.full((1, case.X.shape[1]), np.nan, np.float32)]
    if borders is not None:
        for direction in (-np.inf, np.inf, None):
            rows = case.X[np.arange(len(borders)) % len(case.X)].copy()
            thresholds = borders[:, 1]
            moved = thresholds if direction is None else np.nextafter(thresholds, np.float32(direction))
            rows[np.arange(len(borders)), borders[:, 0].astype(int)] = moved
            parts.append(rows)
    return np.vstack(parts).astype(np.float32)


def as_windows(fit: Fit, X: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the graph takes: rows, or of a sequence model every window of rows."""
    if fit.request.window is None:
        return X
    return gather(X, np.arange(fit.reach - 1, len(X), dtype=np.int32), fit.reach)


def check_parity(case: Case, fit: Fit) -> NDArray[np.float32]:
    path, result = fit.export()
    borders = None if result.borders is None else np.load(path.with_name(result.borders))
    X = probes(case, borders)
    native = fit.predict(X)
    raw, final = in_node(path, as_windows(fit, X))
    assert np.abs(raw - native).max() <= PARITY
    assert np.array_equal(raw, final)
    return raw


@every_model
def test_parity_in_node(fitted: FittedOf, model: str) -> None:
    check_parity(fitted(model).case, fitted(model))


@every_model
@pytest.mark.parametrize("absent", [-1, 0, 1])
def test_parity_with_a_class_missing_whose_column_is_exactly_zero(case: Case, model: str, absent: int) -> None:
    train, stop = (rows[case.y[rows] != absent] for rows in (case.train, case.stop))
    raw = check_parity(case, case.fit(model, train=train, stop=stop))
    assert np.all(raw[:, absent + 1] == 0)
    assert np.allclose(raw.sum(axis=1), 1, atol=1e-5)


def test_parity_of_many_deep_trees(tmp_path: Path) -> None:
    case = Case(tmp_path / "deep", *sample(3000, 10, seed=3))
    params = {"max_depth": 7, "learning_rate": 0.3, "min_child_weight": 0}
    check_parity(case, case.fit("xgboost", params=params, training={"num_boost_round": 40, "early_stopping_rounds": None}))


def test_parity_of_features_far_from_zero_and_of_all_sizes(tmp_path: Path) -> None:
    X, y = sample()
    X[:, 0] = X[:, 0] * 0.5 + 20_000
    X[:, 1] *= 1e6
    X[:, 2] *= 1e-6
    case = Case(tmp_path / "scales", X, y)
    check_parity(case, case.fit("logistic"))
    check_parity(case, case.fit("xgboost"))


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_parity_of_logistic_without_intercept_and_by_saga(case: Case, l1_ratio: float) -> None:
    check_parity(case, case.fit("logistic", params={"fit_intercept": False, "C": 10.0}))
    check_parity(case, case.fit("logistic", params={"solver": "saga", "l1_ratio": l1_ratio, "max_iter": 50}))


@every_model
def test_class_scale_moves_the_final_probabilities_only(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    case, scale = fit.case, (2.0, 0.5, 1.25)
    path, _ = fit.export(class_scale=scale)
    raw, final = in_node(path, as_windows(fit, case.X))
    assert np.abs(raw - fit.predict(case.X)).max() <= PARITY
    scaled = raw * np.array(scale)
    assert np.allclose(final, scaled / scaled.sum(axis=1, keepdims=True), atol=1e-6)
    with pytest.raises(EngineError, match="above 0"):
        fit.export(class_scale=(0.0, 1.0, 1.0))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_calibrator_moves_the_final_probabilities_only_by_its_formula(case: Case, share: float) -> None:
    fit, scale = case.fit("logistic"), (2.0, 0.5, 1.25)
    calibrator = Calibrator(slope=(0.4, 0.5, 1.5), offset=(0.3, -0.1, 0.0), prior_share=share, prior=(0.2, 0.5, 0.3))
    path, _ = fit.export(class_scale=scale, calibrator=calibrator)
    raw, final = in_node(path, as_windows(fit, case.X))
    assert np.abs(raw - fit.predict(case.X)).max() <= PARITY
    assert np.allclose(final, _calibrated(raw * np.array(scale), calibrator), atol=1e-6)
    assert np.allclose(final.sum(axis=1), 1, atol=1e-6)
    path, _ = fit.export(calibrator=calibrator)
    raw, final = in_node(path, as_windows(fit, case.X))
    assert np.allclose(final, _calibrated(raw, calibrator), atol=1e-6)


def test_a_calibrator_leaves_a_class_that_training_lacked_at_nothing(case: Case) -> None:
    train, stop = (rows[case.y[rows] != 1] for rows in (case.train, case.stop))
    fit = case.fit("logistic", train=train, stop=stop)
    calibrator = Calibrator(slope=(0.1, 0.1, 0.1), offset=(0.0, 0.0, -1e4), prior_share=0.5, prior=(0.5, 0.5, 0.0))
    _, final = in_node(fit.export(calibrator=calibrator)[0], as_windows(fit, case.X))
    assert np.all(final[:, 2] == 0)
    assert np.allclose(final.sum(axis=1), 1, atol=1e-6)


def _calibrated(p: NDArray[Any], calibrator: Calibrator) -> NDArray[np.float64]:
    given = (p / p.sum(axis=1, keepdims=True)).astype(np.float64)
    z = np.log(np.maximum(given, 1e-15)) * calibrator.slope + calibrator.offset
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    share = calibrator.prior_share
    softmax = powers / powers.sum(axis=1, keepdims=True)
    result: NDArray[np.float64] = (1 - share) * softmax + share * np.array(calibrator.prior)
    return result


@every_model
def test_the_graph_is_of_the_agreed_form(fitted: FittedOf, model: str) -> None:
    path, result = fitted(model).export()
    graph = onnx.load(path)
    assert result.opset == 18
    assert {item.domain: item.version for item in graph.opset_import} == {"": 18, "ai.onnx.ml": 3}
    assert [value.name for value in graph.graph.input] == ["X"]
    assert [value.name for value in graph.graph.output] == ["probabilities", "raw_probabilities"]
    assert "ZipMap" not in {node.op_type for node in graph.graph.node}
    assert {prop.key: prop.value for prop in graph.metadata_props}["classes"] == "-1,0,1"


@every_model
def test_exporting_twice_gives_the_same_bytes(fitted: FittedOf, model: str) -> None:
    fit = fitted(model)
    first = fit.export()[0].read_bytes()
    assert fit.export()[0].read_bytes() == first


def test_borders_are_thinned_evenly_and_keep_both_ends() -> None:
    n = 3 * MAX_BORDERS
    nodes = {
        "nodes_modes": [b"BRANCH_LT"] * n + [b"LEAF"],
        "nodes_featureids": [7] * n + [0],
        "nodes_values": [float(i) for i in range(n)] + [99.0],
    }
    borders = borders_of(nodes)
    assert borders.shape == (MAX_BORDERS, 2)
    assert borders[0].tolist() == [7, 0]
    assert borders[-1].tolist() == [7, n - 1]
    assert np.array_equal(borders, borders_of(nodes))
