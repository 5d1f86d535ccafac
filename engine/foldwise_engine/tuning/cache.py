"""Optuna's cache of trials, which knows the running ones too for as long as nobody else writes to the file.

Optuna's own reads every unfinished trial again at each question, and asks for a trial before each of its parameters and
values; of a report that was most of the time.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility, distribution_to_json
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb.models import TrialIntermediateValueModel, TrialParamModel
from optuna.trial import FrozenTrial, TrialState

from foldwise_engine.tuning.storage import StudyStorage


class StudyCache(_CachedStorage):
    """Of one study; used within transactions of its storage only."""

    _backend: StudyStorage

    def __init__(self, backend: StudyStorage) -> None:
        super().__init__(backend)
        self._seen: int | None = None

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial as it is now; its dictionaries are the caller's own."""
        study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
        self._read_trials_from_remote_storage(study_id)
        trial = copy.copy(self._known(trial_id))
        trial.params, trial.distributions = dict(trial.params), dict(trial.distributions)
        trial.intermediate_values = dict(trial.intermediate_values)
        trial.user_attrs, trial.system_attrs = dict(trial.user_attrs), dict(trial.system_attrs)
        return trial

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Keep a drawn parameter."""
        study_id, number = self._trial_id_to_study_id_and_number[trial_id]
        study = self._studies[study_id]
        known = study.param_distribution.get(param_name)
        if known is None:  # it is compared with what the file has of it
            super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
        else:
            check_distribution_compatibility(known, distribution)
            row = {
                "trial_id": trial_id,
                "param_name": param_name,
                "param_value": param_value_internal,
                "distribution_json": distribution_to_json(distribution),
            }
            self._backend.insert(TrialParamModel, [row])
        study.trials[number].params[param_name] = distribution.to_external_repr(param_value_internal)
        study.trials[number].distributions[param_name] = distribution

    def set_trial_intermediate_values(self, trial_id: int, values: Sequence[tuple[int, float]]) -> None:
        """Keep values of steps of which none was kept."""
        rows = []
        for step, value in values:
            stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
            rows.append({"trial_id": trial_id, "step": step, "intermediate_value": stored, "intermediate_value_type": kind})
        self._backend.insert(TrialIntermediateValueModel, rows)
        self._known(trial_id).intermediate_values.update(values)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keep an attribute."""
        super().set_trial_user_attr(trial_id, key, value)
        self._known(trial_id).user_attrs[key] = value

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keep an attribute of Optuna's own."""
        super().set_trial_system_attr(trial_id, key, value)
        self._known(trial_id).system_attrs[key] = value

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        """Attributes of Optuna's own."""
        return self.get_trial(trial_id).system_attrs

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Begin or end a trial; it is read again, with the times that the storage gave it."""
        self._seen = None
        return super().set_trial_state_values(trial_id, state, values)

    def _known(self, trial_id: int) -> FrozenTrial:
        study_id, number = self._trial_id_to_study_id_and_number[trial_id]
        return self._studies[study_id].trials[number]

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        version = self._backend.version()
        if version == self._seen:
            return
        super()._read_trials_from_remote_storage(study_id)
        self._seen = version
