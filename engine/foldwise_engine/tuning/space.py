"""Drawing a trial's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna import Trial
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler

from foldwise_engine.tuning.protocol import (
    CategoricalDimension,
    Condition,
    Dimension,
    FloatDimension,
    IntDimension,
    Sampler,
    Scalar,
)


def sampler_of(spec: Sampler, slot: int) -> BaseSampler:
    """A new sampler for the trial of a slot.

    By its slot, and not by what came before, it draws the same in a study that was broken off and gone on with, and never
    what the other trials of the first, random ones drew. A quasi-random sequence keeps one seed: it goes on by a count that
    the study itself holds.
    """
    seed = (spec.seed + slot) % 2**32
    match spec.kind:
        case "tpe":
            return TPESampler(seed=seed, constant_liar=spec.constant_liar)
        case "random":
            return RandomSampler(seed=seed)
        case "qmc":
            return QMCSampler(
                scramble=True,
                seed=spec.seed % 2**32,
                # For what is not in the sequence: the trials before the first one has ended, and conditional dimensions.
                independent_sampler=RandomSampler(seed=seed),
                warn_independent_sampling=False,
            )


def draw(trial: Trial, space: Sequence[Dimension]) -> dict[str, Scalar]:
    """Every dimension whose condition is met, in the order of the space."""
    params: dict[str, Scalar] = {}
    for dimension in space:
        if dimension.when is not None and not _met(dimension.when, params):
            continue
        params[dimension.name] = _suggest(trial, dimension)
    return params


def _suggest(trial: Trial, dimension: Dimension) -> Scalar:
    match dimension:
        case FloatDimension(name=name, low=low, high=high, log=log):
            return trial.suggest_float(name, low, high, log=log)
        case IntDimension(name=name, low=whole_low, high=whole_high, log=log, step=step):
            return trial.suggest_int(name, whole_low, whole_high, step=step, log=log)
        case CategoricalDimension(name=name, choices=choices):
            return trial.suggest_categorical(name, choices)


def _met(condition: Condition, params: Mapping[str, Any]) -> bool:
    """A dimension that was not drawn itself meets no condition."""
    if condition.name not in params:
        return False
    value = params[condition.name]
    # In Python True == 1; in YAML and JSON it is not.
    return any(isinstance(value, bool) == isinstance(each, bool) and value == each for each in condition.values)
