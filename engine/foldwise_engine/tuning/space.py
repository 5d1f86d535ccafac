"""Drawing a trial's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from optuna import Study, Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from foldwise_engine.errors import EngineError
from foldwise_engine.tuning.protocol import CategoricalDimension, Condition, Dimension, FloatDimension, IntDimension, Sampler


class SpaceQMCSampler(QMCSampler):
    """A quasi-random sequence over the dimensions that every trial has; the others are drawn at random.

    Optuna takes the dimensions of the first trial that has ended. With conditions, or workers that overtake one another,
    they change in the middle of a study; then the sequence begins anew, and repeats itself.
    """

    def __init__(self, space: Mapping[str, BaseDistribution], seed: int, independent_sampler: BaseSampler) -> None:
        # One seed for all trials: the sequence goes on by a count that the study itself holds.
        super().__init__(scramble=True, seed=seed, independent_sampler=independent_sampler, warn_independent_sampling=False)
        self._space = dict(space)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """What the sequence gives."""
        return self._space


def sampler_of(spec: Sampler, slot: int, space: Sequence[Dimension]) -> BaseSampler:
    """A new sampler for the trial of a slot.

    By its slot, and not by what came before, it draws the same in a study that was broken off and gone on with, and never
    what the other trials of the first, random ones drew.
    """
    seed = (spec.seed + slot) % 2**32
    match spec.kind:
        case "tpe":
            return TPESampler(seed=seed, constant_liar=spec.constant_liar)
        case "random":
            return RandomSampler(seed=seed)
        case "qmc":
            always = {each.name: distribution_of(each) for each in space if each.when is None}
            several = {name: distribution for name, distribution in always.items() if not distribution.single()}
            return SpaceQMCSampler(several, spec.seed % 2**32, RandomSampler(seed=seed))


def draw(trial: Trial, space: Sequence[Dimension]) -> dict[str, Any]:
    """Every dimension whose condition is met, in the order of the space."""
    params: dict[str, Any] = {}
    for dimension in space:
        if dimension.when is None or _met(dimension.when, params):
            params[dimension.name] = trial._suggest(dimension.name, distribution_of(dimension))
    return params


def distribution_of(dimension: Dimension) -> BaseDistribution:
    """Optuna's; raises `ValueError` for bounds that it does not take."""
    match dimension:
        case FloatDimension():
            return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
        case IntDimension():
            return IntDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)
        case CategoricalDimension(choices=choices):
            for one, other in combinations(choices, 2):
                if one == other:  # 1 and True too: Optuna could not tell which was drawn
                    raise EngineError(
                        "bad_parameter",
                        f"{dimension.name} has the choice {one} twice.",
                        "Make the choices of the space differ.",
                    )
            return CategoricalDistribution(choices)


def _met(condition: Condition, params: Mapping[str, Any]) -> bool:
    """A dimension that was not drawn itself meets no condition."""
    if condition.name not in params:
        return False
    value = params[condition.name]
    # In Python True == 1; in YAML and JSON it is not.
    return any(isinstance(value, bool) == isinstance(each, bool) and value == each for each in condition.values)
