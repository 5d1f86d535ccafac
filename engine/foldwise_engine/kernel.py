"""Kernel machines as arrays: scaling, RBF scores, Nyström by normal equations, and scores turned into probabilities.

Work over rows goes by blocks of a fixed size, over threads of which each computes alone, and sums are added in the blocks'
order: the same bits with any number of threads, and never a kernel matrix of all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, eigh
from threadpoolctl import threadpool_limits

from foldwise_engine.data import Floats, Selection
from foldwise_engine.lean import without

with without("pandas"):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

Doubles = NDArray[np.float64]
Result = TypeVar("Result")

ROWS = 2048
"""Rows of a block that is summed: 16 MB of kernel values against 1 000 anchors."""

ANSWERED_ROWS = 512
"""Rows of a block that is answered: against the thousands of an exact machine's anchors, some 35 MB."""

FEW = 30
"""Below so many rows the probabilities' penalty grows as they become fewer."""

STRONGER = 5.0
"""Least squares is penalised so many times as strongly as `C` says.

The hinge pulls a row at its margin's wrong side by C and no more; least squares pulls the harder the further a row is off,
and so follows noise that the hinge does not. On validation rows of three series (synthetic MES and MGC, a coin's minutes;
6 000 and 10 000 training rows) accuracy was the exact machine's within noise with this factor, and two points less on MES
with 1.
"""

SMALLEST = 1e-12
"""Eigenvalues of the anchors' kernel below this are noise (scikit-learn's Nystroem clips there too)."""


@dataclass(frozen=True)
class Scaling:
    """Median in the place of a missing value, then (x − mean) / scale, in float32 as scikit-learn does it; (F,) each."""

    median: Floats
    mean: Floats
    scale: Floats

    def apply(self, X: Floats) -> Floats:
        """(n, F) → a new (n, F)."""
        out = np.where(np.isnan(X), self.median, X)
        out -= self.mean
        out /= self.scale
        return out

    def arrays(self) -> dict[str, Floats]:
        """By name, as `scaler.json` has them."""
        return {"median": self.median, "mean": self.mean, "scale": self.scale}


@dataclass(frozen=True)
class Machine:
    """scores = exp(−γ |x − anchor|²) · weights + bias."""

    gamma: float
    anchors: Floats
    """(m, F), standardised."""
    weights: Doubles
    """(m, D)."""
    bias: Doubles
    """(D,)."""

    def scores(self, X: Floats) -> Doubles:
        """(n, F) standardised → (n, D)."""
        scores: Doubles = rbf(X, self.anchors, self.gamma) @ self.weights + self.bias
        return scores


def rbf(X: Floats, anchors: Floats, gamma: float) -> Doubles:
    """(n, m) kernel values in double: in float32 |x|² + |a|² − 2xa cancels to noise where x is near a."""
    x, a = X.astype(np.float64), anchors.astype(np.float64)
    squared: Doubles = x @ a.T
    squared *= -2
    squared += np.einsum("ij,ij->i", x, x)[:, None]
    squared += np.einsum("ij,ij->i", a, a)
    np.maximum(squared, 0, out=squared)
    squared *= -gamma
    return np.exp(squared, out=squared)


def fit_scaling(X: Floats, check: Callable[[], None]) -> Scaling:
    """By scikit-learn's own imputer and scaler, unweighted as logistic's."""
    imputer, scaler = SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(copy=False)
    filled = imputer.fit_transform(X)
    check()
    scaler.fit(filled)
    return Scaling(*(np.asarray(v, dtype=np.float32) for v in (imputer.statistics_, scaler.mean_, scaler.scale_)))


def over_blocks(
    answer: Callable[[Floats], Doubles], rows: Selection, threads: int, check: Callable[[], None]
) -> NDArray[np.float64]:
    """(n, …) answers for rows, a block at a time."""

    def work(block: Floats) -> Doubles:
        check()
        return answer(block)

    return np.concatenate(list(_in_threads(work, rows.blocks(ANSWERED_ROWS), threads)))


def _in_threads(work: Callable[[Any], Result], blocks: Iterator[Any], threads: int) -> Iterator[Result]:
    """Results in order, `threads` at a time in memory; the arithmetic libraries keep to the thread that calls them."""
    with threadpool_limits(limits=1), ThreadPool(threads) as pool:
        while True:
            batch = [block for _, block in zip(range(threads), blocks, strict=False)]
            if not batch:
                return
            yield from pool.map(work, batch, chunksize=1)


def nystroem(
    X: Floats,
    y: NDArray[np.int32],
    weights: Doubles | None,
    components: int,
    gamma: float,
    C: float,
    seed: int,
    threads: int,
    turn: Callable[[int], None],
) -> Machine:
    """Nyström's approximation (Williams and Seeger, 2001) with a least-squares machine on it, one class against the others.

    Least squares (Suykens and Vandewalle, 1999; scikit-learn's RidgeClassifier on its Nystroem, alpha = `STRONGER` / 2C) in
    the place of the exact machine's hinge: on labels as noisy as a market's hardly a row is beyond its margin. The normal
    equations take one pass over blocks of rows, where liblinear wants all of them in memory, in double, and many passes.
    """
    n = len(X)
    anchors = X[np.random.RandomState(seed % 2**32).permutation(n)[:components]]
    with threadpool_limits(limits=1):
        values, vectors = eigh(rbf(anchors, anchors, gamma))
    normal = vectors / np.sqrt(np.maximum(values, SMALLEST))  # z = k · normal
    classes = np.unique(y)
    targets = np.where(y[:, None] == classes, 1.0, -1.0)
    if len(classes) == 2:
        targets = targets[:, 1:]
    row_weights = np.ones(n) if weights is None else weights

    def sums(start: int) -> tuple[Doubles, Doubles, Doubles]:
        part = slice(start, start + ROWS)
        z = rbf(X[part], anchors, gamma) @ normal
        root = np.sqrt(row_weights[part])[:, None]
        weighted = z * root
        return weighted.T @ weighted, weighted.T @ (root * targets[part]), (row_weights[part] @ z)

    m, D = anchors.shape[0], targets.shape[1]
    gram, cross, total = np.zeros((m, m)), np.zeros((m, D)), np.zeros(m)
    starts = range(0, n, ROWS)
    for start, (g, c, t) in zip(starts, _in_threads(sums, iter(starts), threads), strict=True):
        gram += g
        cross += c
        total += t
        turn(min(start + ROWS, n))
    # Centred, so that the constant is not penalised.
    weight = row_weights.sum()
    mean, middle = total / weight, (row_weights @ targets) / weight
    gram -= weight * np.outer(mean, mean)
    cross -= weight * np.outer(mean, middle)
    gram[np.diag_indices(m)] += STRONGER / (2 * C)
    with threadpool_limits(limits=1):
        slopes = cho_solve(cho_factor(gram), cross)
        return Machine(gamma, anchors, normal @ slopes, middle - mean @ slopes)


def fit_probabilities(
    scores: Doubles, y: NDArray[np.int32], weights: Doubles | None, classes: int, usual: Doubles
) -> tuple[Doubles, Doubles]:
    """Slopes (D, K) and intercepts (K,) of a multinomial logistic on scores (n, D) of codes y in 0…K−1.

    Scores are standardised by `usual`, scores of rows that were fitted: of few later rows the spread says nothing.

    To the rows comes one of each class, all together weighing as much as one row, at the mean score: as in Platt (1999) no
    probability becomes exactly 0 or 1, and a class that is only among the earlier rows has a column. With few rows the
    answer stays near the shares, by this and by the penalty, which is on standardised scores.
    """
    mean, scale = usual.mean(axis=0), usual.std(axis=0)
    scale[scale == 0] = 1
    x = np.vstack([(scores - mean) / scale, np.zeros((classes, scores.shape[1]))])
    w = np.concatenate([np.ones(len(y)) if weights is None else weights, np.full(classes, 1 / classes)])
    with threadpool_limits(limits=1):
        logistic = LogisticRegression(C=min(1.0, len(y) / FEW), tol=1e-8, max_iter=1000).fit(
            x, np.concatenate([y, np.arange(classes)]), sample_weight=w
        )
    slopes, intercepts = logistic.coef_.T / scale[:, None], logistic.intercept_
    if classes == 2:  # scikit-learn keeps one column for two classes; the other logit is zero
        slopes, intercepts = np.hstack([np.zeros_like(slopes), slopes]), np.concatenate([np.zeros(1), intercepts])
    return slopes, intercepts - mean @ slopes
