"""Support vector machine with an RBF kernel (scikit-learn), and probabilities from a step of their own.

    steps.fit ──▶ median, scaler ──▶ exact SVC, or Nyström + linear ──▶ scores (n, D)
    steps.probability ──▶ the same ──▶ scores ──▶ multinomial logistic ──▶ (n, K)

`SVC(probability=True)` is deprecated and cross-validates without time order, hence the second step on later rows, which
TypeScript chooses. Both machines end in one form: scores = exp(−γ |x − anchor|²) · weights + bias, so that predicting and
exporting are written once, in numpy, and a native file is arrays: no compiled code trusts an index in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from foldwise_engine.adapter import Device, FitTask, Fitted, settings
from foldwise_engine.data import Floats, Selection
from foldwise_engine.errors import EngineError
from foldwise_engine.export.graph import ProbabilityGraph
from foldwise_engine.export.kernel import softmax_of_kernel
from foldwise_engine.kernel import Doubles, Machine, Scaling, fit_probabilities, fit_scaling, nystroem, over_blocks
from foldwise_engine.lean import without
from foldwise_engine.skops_io import skops_io

with without("pandas"):
    from sklearn.svm import SVC

TRUSTED_TYPES = ["numpy.dtype"]
"""All that a .skops file of arrays holds beside what skops itself knows; more is refused unread."""

USUAL_ROWS = 2048
"""Fitted rows, the latest, by whose scores scores are standardised."""


class Params(msgspec.Struct, forbid_unknown_fields=True):
    """`model_params`: names and meanings of scikit-learn's SVC and Nystroem."""

    C: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    gamma: Literal["scale"] | Annotated[float, msgspec.Meta(gt=0)] = "scale"
    exact_max_rows: Annotated[int, msgspec.Meta(ge=0)] = 10_000
    n_components: Annotated[int, msgspec.Meta(ge=1)] = 1000
    tol: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    cache_size: Annotated[float, msgspec.Meta(gt=0)] = 500.0


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """`training`: nothing here; class weights arrive as row weights."""


class SvmAdapter:
    """See the module."""

    native_file = "model.skops"

    def fit(self, task: FitTask) -> Fitted:
        """Scale and fit on the earlier rows, make probabilities on the later ones, answer for all."""
        params = settings(Params, task.params, "model_params")
        settings(Training, task.training, "training")
        data = task.data
        if data.steps is None:
            raise EngineError("bad_request", "svm needs steps: rows to fit on, and rows that make the probabilities.")
        start = time.perf_counter()
        fit, later = data.steps.fit, data.steps.probability
        scaling = fit_scaling(_part(data.train, fit).take(), task.check)
        X = scaling.apply(_part(data.train, fit).take())
        task.check()
        ready = time.perf_counter()
        y, weights = data.y[fit], _mean_one(data.weights, fit)
        classes = np.unique(y)
        if len(classes) < 2:
            raise EngineError("bad_data", f"The {len(y)} rows to fit on hold only one class.", "Use more rows.")
        spread = float(X.var(dtype=np.float64))
        gamma = params.gamma if params.gamma != "scale" else 1 / (X.shape[1] * spread) if spread > 0 else 1.0
        if len(data.train) <= params.exact_max_rows:
            machine = _exact(params, gamma, X, y, weights, task.seed)
        else:
            machine = nystroem(X, y, weights, params.n_components, gamma, params.C, task.seed, task.threads, _turns(task, X))
        del X
        task.check()

        def scores(rows: Selection) -> Doubles:
            return over_blocks(lambda x: machine.scores(scaling.apply(x)), rows, task.threads, task.check)

        later_weights = _mean_one(data.weights, later)
        usual = scores(_part(data.train, fit[-USUAL_ROWS:]))
        logistic = fit_probabilities(
            scores(_part(data.train, later)), data.y[later], later_weights, len(data.classes), usual
        )
        model = _Model(scaling, machine, *logistic)
        trained = time.perf_counter()
        if task.device == "cuda":
            task.warn("svm has no CUDA version: the CPU was used.")
        return Fitted(
            model=model,
            p_train=None if task.answers_only else over_blocks(model.answer, data.train, task.threads, task.check),
            p_stop=None if data.stop is None else over_blocks(model.answer, data.stop, task.threads, task.check),
            scaler={name: [float(value) for value in values] for name, values in scaling.arrays().items()},
            seconds={"data": ready - start, "train": trained - ready},
        )

    def save(self, model: _Model, path: Path) -> None:
        """Write a .skops file of plain arrays: a zip of JSON and .npy, no pickle."""
        skops_io.dump(model.arrays(), path)

    def load(self, path: Path, threads: int, device: Device) -> _Model:
        """Read it back, trusting exactly `TRUSTED_TYPES`, and check that the arrays fit one another."""
        del threads, device
        unknown = set(skops_io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
        if unknown:
            raise EngineError("bad_data", f"{path} holds types that an svm has no use for: {sorted(unknown)}.")
        held = skops_io.load(path, trusted=TRUSTED_TYPES)
        model = _Model.of(held) if isinstance(held, dict) else None
        if model is None:
            raise EngineError("bad_data", f"{path} does not hold the arrays of an svm.", "Fit the model again.")
        return model

    def predict(self, model: _Model, X: Floats, threads: int) -> Doubles:
        """(n, F) → (n, K)."""
        rows = Selection(X, np.arange(len(X), dtype=np.int32), "")
        return over_blocks(model.answer, rows, threads, lambda: None)

    def export_onnx(self, model: _Model, features: int, classes: int) -> ProbabilityGraph:
        """By hand: the same steps in the same precision."""
        del features, classes
        return softmax_of_kernel(model.arrays())


class _Model:
    """Scaling, machine, and the logistic (D, K) and (K,) that makes probabilities of scores."""

    def __init__(self, scaling: Scaling, machine: Machine, slopes: Doubles, intercepts: Doubles) -> None:
        self.scaling, self.machine, self.slopes, self.intercepts = scaling, machine, slopes, intercepts

    def answer(self, X: Floats) -> Doubles:
        """(n, F) → (n, K)."""
        logits = self.machine.scores(self.scaling.apply(X)) @ self.slopes + self.intercepts
        shares: Doubles = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything by name."""
        machine = self.machine
        return {
            **self.scaling.arrays(),
            "gamma": np.array([machine.gamma]),
            "anchors": machine.anchors,
            "weights": machine.weights,
            "bias": machine.bias,
            "slopes": self.slopes,
            "intercepts": self.intercepts,
        }

    @classmethod
    def of(cls, held: dict[str, Any]) -> _Model | None:
        """What `arrays` gave; None for anything that does not fit together."""
        names = ("median", "mean", "scale", "gamma", "anchors", "weights", "bias", "slopes", "intercepts")
        if set(held) != set(names) or not all(isinstance(array, np.ndarray) for array in held.values()):
            return None
        arrays: list[NDArray[Any]] = [held[name] for name in names]
        median, mean, scale, gamma, anchors, weights, bias, slopes, intercepts = arrays
        if anchors.ndim != 2 or weights.ndim != 2 or slopes.ndim != 2:
            return None
        (m, F), (D, K) = anchors.shape, slopes.shape
        shapes = [(F,), (F,), (F,), (1,), (m, F), (m, D), (D,), (D, K), (K,)]
        types = [np.float32] * 3 + [np.float64, np.float32] + [np.float64] * 4
        if [array.shape for array in arrays] != shapes or [array.dtype for array in arrays] != types:
            return None
        machine = Machine(float(gamma[0]), anchors, weights, bias)
        return cls(Scaling(median, mean, scale), machine, slopes, intercepts)


def _part(rows: Selection, positions: NDArray[np.intp]) -> Selection:
    return Selection(rows.X, rows.rows[positions], rows.origin)


def _mean_one(weights: Floats | None, positions: NDArray[np.intp]) -> Doubles | None:
    """The weights of a step's rows, scaled to mean 1 among them; None: each weighs 1."""
    if weights is None:
        return None
    own = weights[positions].astype(np.float64)
    scaled: Doubles = own / own.mean()
    return scaled


def _turns(task: FitTask, X: Floats) -> Callable[[int], None]:
    """After each block of rows: is the job still wanted, and how far is it."""

    def turn(done: int) -> None:
        task.check()
        task.progress(done, len(X), {})

    return turn


def _exact(params: Params, gamma: float, X: Floats, y: NDArray[np.int32], weights: Doubles | None, seed: int) -> Machine:
    """SVC, and its one-against-one decision values as a `Machine`; the solver hears no cancelling."""
    svc = SVC(
        C=params.C,
        gamma=gamma,
        tol=params.tol,
        cache_size=params.cache_size,
        decision_function_shape="ovo",
        random_state=seed % 2**32,
    ).fit(X, y, sample_weight=weights)
    # libsvm keeps, for the support vectors of class i, their coefficient against class j in row j − 1 (j > i) or j (j < i).
    owner = np.repeat(np.arange(len(svc.classes_)), svc.n_support_)
    pairs = [(i, j) for i in range(len(svc.classes_)) for j in range(i + 1, len(svc.classes_))]
    weight = np.zeros((len(owner), len(pairs)))
    for column, (i, j) in enumerate(pairs):
        weight[owner == i, column] = svc.dual_coef_[j - 1, owner == i]
        weight[owner == j, column] = svc.dual_coef_[i, owner == j]
    return Machine(gamma, svc.support_vectors_.astype(np.float32), weight, svc.intercept_.astype(np.float64))


ADAPTER = SvmAdapter()
