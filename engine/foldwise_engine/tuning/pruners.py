"""Optuna's pruners, told of folds and of slots."""

from __future__ import annotations

import copy

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from foldwise_engine.tuning import protocol


class RacePruner(BasePruner):
    """Whole folds against whole folds, in whichever order they are done.

    A trial ends where the mean over its folds so far, weighed by rows, is worse than the quantile of the completed trials'
    means over the same folds. Rounds of a fold are not looked at: they favour what is fast over what is good.
    """

    def __init__(self, spec: protocol.RacePruner, steps_per_fold: int) -> None:
        self._spec = spec
        self._steps = steps_per_fold

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial is to stop after the folds that it has done."""
        done = [step for step in trial.intermediate_values if step % self._steps == 0]
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        others = [each.intermediate_values for each in completed if each.intermediate_values.keys() >= set(done)]
        if not done or len(others) < max(1, self._spec.startup):
            return False
        rows = [self._spec.rows[step // self._steps - 1] for step in done]
        sign = 1 if study.direction == StudyDirection.MINIMIZE else -1
        known = (trial.intermediate_values, *others)
        own, *theirs = (sign * np.average([values[step] for step in done], weights=rows) for values in known)
        return bool(own > np.quantile(theirs, self._spec.quantile))


class FoldMedianPruner(MedianPruner):
    """The median rule within one fold: a trial's best value of the last step's fold against the others at that step.

    The end of a fold has a value of another kind (of its tested rows), so it counts by itself, and warm-up does not spare
    it.

        step     1 …… n-1   n    n+1 …… 2n-1  2n
        fold     0          0    1            1
                 rounds     end  rounds       end
    """

    def __init__(self, startup: int, warmup: int, steps_per_fold: int) -> None:
        super().__init__(n_startup_trials=startup)
        self._warmup = warmup
        self._steps = steps_per_fold

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial is to stop at its last step."""
        last = trial.last_step
        if last is None:
            return False
        at_end = last % self._steps == 0
        fold = (last - 1) // self._steps
        if not at_end and last - fold * self._steps <= self._warmup:
            return False
        seen = copy.copy(trial)
        seen.intermediate_values = {
            step: value
            for step, value in trial.intermediate_values.items()
            if step == last or (not at_end and (step - 1) // self._steps == fold)
        }
        return super().prune(study, seen)


class SlotHyperbandPruner(HyperbandPruner):
    """Hyperband with brackets by slot: a trial that was enqueued again stays in its own.

    The end of a fold has a value of another kind (of its tested rows): there the best of its rounds counts, which is what a
    trial that stopped early has to show beside those that go on.
    """

    def __init__(self, study: Study, spec: protocol.HyperbandPruner, steps_per_fold: int) -> None:
        super().__init__(spec.min_resource, spec.max_resource, spec.reduction)
        self._steps = steps_per_fold
        self._best = min if study.direction == StudyDirection.MINIMIZE else max
        # At its first question it would do so itself, but the sampler asks for brackets before.
        self._try_initialization(study)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial is to stop at its last step."""
        pruned = super().prune(study, self._by_rounds(trial))
        # The rungs that it has just reached: the next value is judged from there.
        trial.system_attrs = study._storage.get_trial_system_attrs(trial._trial_id)
        return pruned

    def _by_rounds(self, trial: FrozenTrial) -> FrozenTrial:
        last = trial.last_step
        if last is None or last % self._steps != 0:
            return trial
        values = trial.intermediate_values
        rounds = [value for step, value in values.items() if last - self._steps < step < last]
        if not rounds:
            return trial
        seen = copy.copy(trial)
        seen.intermediate_values = {**values, last: self._best(rounds)}
        return seen

    def _get_bracket_id(self, study: Study, trial: FrozenTrial) -> int:
        of_slot = copy.copy(trial)
        of_slot.number = trial.user_attrs.get("slot", trial.number)
        return super()._get_bracket_id(study, of_slot)


def pruner_of(spec: protocol.StudySpec, study: Study) -> BasePruner:
    """The pruner that the study was asked for with."""
    match spec.pruner:
        case protocol.NoPruner():
            return NopPruner()
        case protocol.RacePruner():
            return RacePruner(spec.pruner, spec.steps_per_fold)
        case protocol.MedianPruner(startup=startup, warmup=warmup):
            return FoldMedianPruner(startup, warmup, spec.steps_per_fold)
        case protocol.HyperbandPruner():
            return SlotHyperbandPruner(study, spec.pruner, spec.steps_per_fold)
