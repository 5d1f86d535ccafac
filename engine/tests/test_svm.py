"""What the svm adapter alone promises. No mocks: the engines fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from support import Case, Fit, in_node, log_loss, sample

from foldwise_engine.errors import Cancelled, EngineError
from foldwise_engine.jobs import Jobs
from foldwise_engine.kernel import STRONGER
from foldwise_engine.protocol import FitSteps

NYSTROEM = {"C": 1.0, "exact_max_rows": 0, "n_components": 60}


def arrays_of(fit: Fit) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = skops.io.load(fit.out / "model.skops", trusted=["numpy.dtype"])
    return arrays


def parts(case: Case) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    cut = int(len(case.train) * 0.85)
    return case.train[:cut], case.train[cut:]


def steps(case: Case, fit: NDArray[np.int32], probability: NDArray[np.int32]) -> FitSteps:
    files = [str(case.folder / name) for name in ("own_fit.npy", "own_probability.npy")]
    for file, rows in zip(files, (fit, probability), strict=True):
        np.save(file, rows.astype(np.int32))
    return FitSteps(fit=files[0], probability=files[1])


def scaled(case: Case) -> Pipeline:
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return Pipeline([("imputer", imputer), ("scaler", StandardScaler())]).fit(case.X[parts(case)[0]])


def scores(arrays: dict[str, NDArray[Any]], X: NDArray[np.float32]) -> NDArray[np.float64]:
    distance = ((X[:, None, :].astype(np.float64) - arrays["anchors"][None, :, :]) ** 2).sum(axis=2)
    result: NDArray[np.float64] = np.exp(-arrays["gamma"][0] * distance) @ arrays["weights"] + arrays["bias"]
    return result


@pytest.mark.parametrize("absent", [None, -1, 0, 1])
def test_the_exact_machine_decides_as_scikit_learns_svc(tmp_path: Path, absent: int | None) -> None:
    case = Case(tmp_path / "exact", *sample())
    case.train = case.train[case.y[case.train] != absent]
    fit = case.fit("svm", params={"C": 0.7, "gamma": 0.2}, stop=None)
    features, rows = scaled(case), parts(case)[0]
    svc = SVC(C=0.7, gamma=0.2, decision_function_shape="ovo").fit(features.transform(case.X[rows]), case.y[rows])
    X = features.transform(case.X)
    decided = svc.decision_function(X)
    assert np.abs(scores(arrays_of(fit), X) - decided.reshape(len(X), -1)).max() < 1e-6


@pytest.mark.parametrize("weighted", [False, True])
def test_nystroem_decides_as_scikit_learns_pipeline(case: Case, weighted: bool) -> None:
    weights = np.random.default_rng(3).uniform(0.5, 2, len(case.train)).astype(np.float32) if weighted else None
    fit = case.fit("svm", params={**NYSTROEM, "gamma": 0.2}, weights=weights)
    features, rows = scaled(case), parts(case)[0]
    own = None if weights is None else weights[: len(rows)] / weights[: len(rows)].mean()
    kernel = Nystroem(gamma=0.2, n_components=60, random_state=7)
    Z = kernel.fit_transform(features.transform(case.X[rows]).astype(np.float64))
    # Another square root of the same kernel: the penalty is the same in both.
    ridge = RidgeClassifier(alpha=STRONGER / 2).fit(Z, case.y[rows], sample_weight=own)
    X = features.transform(case.X)
    theirs = ridge.decision_function(kernel.transform(X.astype(np.float64)))
    assert np.abs(scores(arrays_of(fit), X) - theirs).max() < 1e-5


def test_exact_up_to_its_limit_and_nystroem_above(case: Case) -> None:
    n = len(case.train)
    exact = arrays_of(case.fit("svm", params={"exact_max_rows": n, "n_components": 60}))
    above = arrays_of(case.fit("svm", params={"exact_max_rows": n - 1, "n_components": 60}))
    assert len(exact["anchors"]) > 60
    assert len(above["anchors"]) == 60
    few = arrays_of(case.fit("svm", params={"exact_max_rows": 0, "n_components": 10**4}))
    assert len(few["anchors"]) == len(parts(case)[0])


def test_nystroem_is_as_good_as_exact(tmp_path: Path) -> None:
    case = Case(tmp_path / "large", *sample(4000, seed=5))
    losses = [log_loss(case.fit("svm", params=p).array("p_stop.npy"), case.y[case.stop]) for p in ({"C": 1.0}, NYSTROEM)]
    assert abs(losses[0] - losses[1]) < 0.03


def test_median_and_scaler_are_of_the_rows_that_are_fitted(case: Case) -> None:
    fit = case.fit("svm")
    scaler = json.loads((fit.out / "scaler.json").read_text())
    X = case.X[parts(case)[0]]
    assert scaler.keys() == {"median", "mean", "scale"}
    assert scaler["median"][0] == pytest.approx(np.nanmedian(X[:, 0]), abs=1e-6)
    assert scaler["mean"][7] == pytest.approx(7.25)
    assert scaler["scale"][6] == scaler["scale"][7] == 1


def test_rows_between_the_steps_change_nothing(case: Case) -> None:
    fit, probability = parts(case)
    plain = case.fit("svm", steps=steps(case, fit[:-20], probability)).array("p_stop.npy")
    X, y = case.X.copy(), case.y.copy()
    X[fit[-20:], :5] = 99
    y[fit[-20:]] *= -1
    other = Case(case.folder / "other", X, y)
    changed = other.fit("svm", steps=steps(other, fit[:-20], probability)).array("p_stop.npy")
    assert np.array_equal(changed, plain)


@pytest.mark.parametrize("params", [{"C": 1.0}, NYSTROEM])
def test_a_class_that_the_later_rows_lack_keeps_a_column(case: Case, params: dict[str, Any]) -> None:
    fit, probability = parts(case)
    few = probability[case.y[probability] != 0]
    p = case.fit("svm", params=params, steps=steps(case, fit, few)).array("p_stop.npy")
    assert np.all(p > 0)
    assert p[:, 1].mean() < 0.05


@pytest.mark.parametrize("params", [{"C": 1.0}, NYSTROEM])
def test_a_class_that_the_earlier_rows_lack_keeps_a_column(case: Case, params: dict[str, Any]) -> None:
    fit, probability = parts(case)
    result = case.fit("svm", params=params, steps=steps(case, fit[case.y[fit] != 0], probability))
    p = result.array("p_stop.npy")
    assert p[:, 1].mean() == pytest.approx((case.y[probability] == 0).mean(), abs=0.1)
    path, _ = result.export()
    assert np.abs(in_node(path, case.X)[0] - result.predict(case.X)).max() < 1e-5


def test_very_few_later_rows_give_cautious_probabilities(case: Case) -> None:
    fit, probability = parts(case)
    for count in (1, 3):
        p = case.fit("svm", steps=steps(case, fit, probability[:count])).array("p_stop.npy")
        assert p.min() > 0.02
        assert np.all(np.isfinite(p))


@pytest.mark.parametrize("params", [{"C": 1.0}, NYSTROEM])
def test_one_to_three_threads_give_the_same_bits(case: Case, params: dict[str, Any]) -> None:
    first, *others = (arrays_of(case.fit("svm", params=params, threads=threads)) for threads in (1, 2, 3))
    for other in others:
        for name, values in first.items():
            assert np.array_equal(other[name], values)


def test_cancelling_is_heard_between_blocks_of_rows(tmp_path: Path) -> None:
    case = Case(tmp_path / "large", *sample(8000))
    case.caller.cancel_at = 2048
    with pytest.raises(Cancelled):
        case.fit("svm", params=NYSTROEM)
    assert [step for step, _, _ in case.caller.steps] == [2048]


@pytest.mark.parametrize("wide", [False, True])
def test_parity_near_anchors_far_from_the_mean(tmp_path: Path, wide: bool) -> None:
    """|x|² + |a|² − 2xa cancels there; the product is then in double, and only then."""
    X, y = sample()
    if wide:
        X[[5, 700], 1] = 1e5
    case = Case(tmp_path / "far", X, y)
    fit = case.fit("svm", params={"C": 1.0, "gamma": 1.0 if wide else 0.05})
    path, _ = fit.export()
    constants = {item.name: item.data_type for item in onnx.load(path).graph.initializer}
    assert constants["anchors"] == (onnx.TensorProto.DOUBLE if wide else onnx.TensorProto.FLOAT)
    near = np.vstack([X, X[::5] * np.float32(1.00001)]).astype(np.float32)
    assert np.abs(in_node(path, near)[0] - fit.predict(near)).max() < 1e-5


def test_a_request_without_steps_is_refused(case: Case) -> None:
    with pytest.raises(EngineError, match="needs steps") as caught:
        case.fit("svm", steps=None)
    assert caught.value.code == "bad_request"


def test_steps_outside_the_training_rows_are_refused(case: Case) -> None:
    fit, probability = parts(case)
    for own in (steps(case, fit, case.stop), steps(case, np.array([], np.int32), probability)):
        with pytest.raises(EngineError, match="among the training rows") as caught:
            case.fit("svm", steps=own)
        assert caught.value.code == "bad_data"
    with pytest.raises(EngineError, match="only one class"):
        case.fit("svm", steps=steps(case, fit[case.y[fit] == 1], probability))


Arrays = dict[str, Any]


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda held: held.pop("bias"), id="an array less"),
        pytest.param(lambda held: held.update(extra=np.zeros(1)), id="an array more"),
        pytest.param(lambda held: held.update(anchors=held["anchors"][:, :-1]), id="anchors of fewer features"),
        pytest.param(lambda held: held.update(weights=held["weights"][:-1]), id="weights of fewer anchors"),
        pytest.param(lambda held: held.update(slopes=held["slopes"][:, 0]), id="slopes of one dimension"),
        pytest.param(lambda held: held.update(median=held["median"].astype(np.float64)), id="another type"),
        pytest.param(lambda held: held.update(gamma="scale"), id="a word for a number"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(case: Case, attack: Callable[[Arrays], Any]) -> None:
    fit = case.fit("svm")
    native = fit.native
    held = arrays_of(fit)
    attack(held)
    skops.io.dump(held, native)
    with pytest.raises(EngineError, match="does not hold the arrays"):
        fit.predict(case.X, jobs=Jobs())


def test_a_file_with_anything_else_in_it_is_refused(case: Case) -> None:
    from sklearn.preprocessing import FunctionTransformer

    fit = case.fit("svm")
    native = fit.native
    skops.io.dump(FunctionTransformer(func=np.save), native)
    with pytest.raises(EngineError, match="no use for"):
        fit.predict(case.X, jobs=Jobs())
    skops.io.dump(SVC(), native)
    with pytest.raises(EngineError, match="does not hold"):
        fit.predict(case.X, jobs=Jobs())
