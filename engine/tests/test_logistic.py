"""What the logistic adapter alone promises. No mocks: the engine fits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support import Case

from foldwise_engine.errors import EngineError
from foldwise_engine.jobs import Jobs


def test_logistic_writes_its_scaler(case: Case) -> None:
    fit = case.fit("logistic")
    scaler = json.loads((fit.out / "scaler.json").read_text())
    X = case.X[case.train]
    assert scaler.keys() == {"median", "mean", "scale"}
    assert scaler["median"][0] == pytest.approx(np.nanmedian(X[:, 0]), abs=1e-6)
    assert scaler["median"][6] == 0  # all NaN
    assert scaler["mean"][7] == pytest.approx(7.25)
    assert scaler["scale"][6] == scaler["scale"][7] == 1


def test_logistic_says_when_it_did_not_converge(case: Case) -> None:
    result = case.fit("logistic", params={"C": 100, "max_iter": 1}).result
    assert any("max_iter = 1" in warning for warning in result.warnings)


def test_logistic_refuses_a_file_with_anything_else_in_it(case: Case) -> None:
    import skops.io
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.preprocessing import FunctionTransformer

    fit = case.fit("logistic")
    native = fit.native
    skops.io.dump(FunctionTransformer(func=np.save), native)
    with pytest.raises(EngineError, match="no use for"):
        fit.predict(case.X, jobs=Jobs())
    skops.io.dump(RandomForestClassifier(), native)
    with pytest.raises(EngineError, match="does not hold"):
        fit.predict(case.X, jobs=Jobs())


def test_logistic_copies_of_the_data_stay_untouched(case: Case) -> None:
    before = np.load(case.folder / "X.npy")
    fit = case.fit("logistic")
    again = fit.predict(case.X)
    assert np.array_equal(np.load(case.folder / "X.npy"), before, equal_nan=True)
    assert np.array_equal(fit.predict(case.X), again)
