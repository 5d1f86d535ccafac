"""One open study: what the requests do to it. Every method is one transaction."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import optuna
from optuna import Study, Trial
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from foldwise_engine.errors import EngineError
from foldwise_engine.fields import Json
from foldwise_engine.tuning.cache import StudyCache
from foldwise_engine.tuning.protocol import (
    AskedTrial,
    AskRequest,
    AskResult,
    ReportRequest,
    Scalar,
    StudySpec,
    TellRequest,
)
from foldwise_engine.tuning.pruners import pruner_of
from foldwise_engine.tuning.space import draw, sampler_of
from foldwise_engine.tuning.storage import StudyStorage, open_storage

SLOT, TOKEN, OWNER, REQUEUED = "slot", "token", "owner", "requeued"
"""User attributes of a trial: its place among those that were asked for, who asked, and that it was lost and put back."""

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class OpenStudy:
    """A study and the file that holds it, both open."""

    def __init__(self, file: Path, lock_seconds: float) -> None:
        self._file = file
        self._opened = _identity(file)
        self._backend: StudyStorage = open_storage(file, lock_seconds)
        self._storage = StudyCache(self._backend)
        self._spec: StudySpec | None = None
        self._study: Study | None = None

    @property
    def current(self) -> bool:
        """Whether the file is still the one that was opened, and not another of its name."""
        return _identity(self._file) == self._opened

    def close(self) -> None:
        """Let go of the file."""
        self._backend.close()

    def make(self, spec: StudySpec, attrs: Json) -> tuple[bool, Json]:
        """Make the study where there is none; answers whether it did, and the study's attributes."""
        with self._backend.transaction():
            created = all(spec.name != study.study_name for study in self._storage.get_all_studies())
            if created:
                study_id = self._storage.create_new_study([_direction(spec)], spec.name)
                for key, value in attrs.items():
                    self._storage.set_study_user_attr(study_id, key, value)
            return created, self._of(spec, strict=False).user_attrs

    def trials(self, spec: StudySpec) -> list[FrozenTrial]:
        """All of them, ascending by number."""
        with self._backend.transaction():
            return self._of(spec, strict=False).get_trials(deepcopy=False)

    def ask(self, request: AskRequest) -> AskResult:
        """The trial of this token, else one that waits, else one of the next slot; none when there are no slots left."""
        with self._backend.transaction():
            study = self._of(request.study)
            trials = study.get_trials(deepcopy=False)
            completed = sum(trial.state == TrialState.COMPLETE for trial in trials)
            for trial in trials:
                if trial.state == TrialState.RUNNING and trial.user_attrs.get(TOKEN) == request.token:
                    known = AskedTrial(number=trial.number, slot=trial.user_attrs[SLOT], params=trial.params)
                    return AskResult(trial=known, completed=completed)
            for trial in trials:
                if trial.state == TrialState.RUNNING and SLOT not in trial.user_attrs:
                    study.tell(trial.number, state=TrialState.FAIL)
            next_slot = 1 + max((trial.user_attrs.get(SLOT, -1) for trial in trials), default=-1)
            waiting = next((each for each in trials if _may_run(each, next_slot < request.target)), None)
            if waiting is None and next_slot >= request.target:
                return AskResult(trial=None, completed=completed)
            slot: int = next_slot if waiting is None else waiting.user_attrs.get(SLOT, next_slot)
            attrs = {SLOT: slot, TOKEN: request.token, OWNER: request.owner}
            trial_id = self._begin(study, waiting, attrs, request.defaults)
            study.sampler = sampler_of(request.sampler, slot, request.study.space)
            study._thread_local.cached_all_trials = None  # as `Study.ask` does: the sampler reads the trials once
            trial_to_run = Trial(study, trial_id)
            params = draw(trial_to_run, request.study.space)
            asked = AskedTrial(number=trial_to_run.number, slot=slot, params=params)
            return AskResult(trial=asked, completed=completed)

    def _begin(self, study: Study, waiting: FrozenTrial | None, attrs: Json, defaults: dict[str, Scalar]) -> int:
        """A trial that runs, with its attributes in place before anything is drawn: its bracket goes by its slot."""
        if waiting is None:
            fixed = {"fixed_params": defaults} if attrs[SLOT] == 0 else {}  # as `Study.enqueue_trial` keeps them
            template = create_trial(state=TrialState.RUNNING, user_attrs=attrs, system_attrs=fixed)
            return self._storage.create_new_trial(study._study_id, template_trial=template)
        for key, value in attrs.items():
            self._storage.set_trial_user_attr(waiting._trial_id, key, value)
        self._storage.set_trial_state_values(waiting._trial_id, state=TrialState.RUNNING)
        return waiting._trial_id

    def report(self, request: ReportRequest) -> int | None:
        """Keep the values up to the first step that prunes, and answer it. A trial that has ended stops at once."""
        with self._backend.transaction():
            study = self._of(request.study)
            trial = self._trial(study, request.trial)
            known = trial.intermediate_values
            if trial.state != TrialState.RUNNING:
                return next((step for step, _ in request.values), None)
            new: list[tuple[int, float]] = []
            prune_at = None
            for i, (step, value) in enumerate(request.values):
                if step not in known:
                    known[step] = value
                    new.append((step, value))
                if request.judge_from is None or i < request.judge_from:
                    continue
                # Of a repeated request later values are known already, and must not count yet.
                later = {at for at, _ in request.values[i + 1 :]}
                trial.intermediate_values = {at: value for at, value in known.items() if at not in later}
                if study.pruner.prune(study, trial):
                    prune_at = step
                    break
            self._storage.set_trial_intermediate_values(trial._trial_id, new)
            return prune_at

    def tell(self, request: TellRequest) -> None:
        """End a trial that runs."""
        with self._backend.transaction():
            study = self._of(request.study)
            trial = self._trial(study, request.trial)
            if trial.state.is_finished():
                return
            for key, value in request.attrs.items():
                self._storage.set_trial_user_attr(trial._trial_id, key, value)
            study.tell(trial.number, request.value, TrialState[request.state.upper()])

    def requeue(self, spec: StudySpec, numbers: Iterable[int]) -> list[int]:
        """Those that still run have failed, and wait to run again in their slot."""
        with self._backend.transaction():
            study = self._of(spec)
            requeued = []
            for number in sorted(set(numbers)):
                trial = self._trial(study, number)
                if trial.state != TrialState.RUNNING:
                    continue
                self._storage.set_trial_user_attr(trial._trial_id, REQUEUED, True)
                study.tell(number, state=TrialState.FAIL)
                requeued.append(number)
                if SLOT in trial.user_attrs:
                    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
                    study.enqueue_trial(params, user_attrs={SLOT: trial.user_attrs[SLOT]})
            return requeued

    def importance(self, spec: StudySpec, seed: int) -> dict[str, float]:
        """Of the parameters that all complete trials have: fANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014)."""
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        complete = [trial for trial in self.trials(spec) if trial.state == TrialState.COMPLETE]
        if len({trial.value for trial in complete}) < 2:
            return {}
        # It takes seconds, in which nobody else is kept from the file.
        aside = optuna.create_study(direction=spec.direction)
        aside.add_trials(complete)
        shares = get_param_importances(aside, evaluator=FanovaImportanceEvaluator(seed=seed % 2**32))
        return {name: float(share) for name, share in shares.items()}

    def _of(self, spec: StudySpec, *, strict: bool = True) -> Study:
        """The study by its name, with the pruner of the request. Who only looks may find one of the other direction."""
        study = self._study
        if study is None:
            if all(spec.name != known.study_name for known in self._storage.get_all_studies()):
                raise EngineError("bad_study", f"{self._file} holds no study {spec.name}.")
            study = Study(spec.name, self._storage, sampler=RandomSampler(seed=0))
            self._study = study
        if spec != self._spec:
            if strict and study.direction != _direction(spec):
                raise EngineError("bad_parameter", f"The study {spec.name} does not {spec.direction}.", "Begin a new study.")
            study.pruner = pruner_of(spec, study)
            self._spec = spec if study.direction == _direction(spec) else None
        return study

    def _trial(self, study: Study, number: int) -> FrozenTrial:
        """As it is in the file now, and the caller's own."""
        trials = study.get_trials(deepcopy=False)
        if number >= len(trials):
            raise EngineError("bad_request", f"The study {study.study_name} has no trial {number}.")
        return self._storage.get_trial(trials[number]._trial_id)


def _may_run(trial: FrozenTrial, slots_left: bool) -> bool:
    """Whether it waits; one that somebody else enqueued takes a slot."""
    return trial.state == TrialState.WAITING and (slots_left or SLOT in trial.user_attrs)


def _direction(spec: StudySpec) -> optuna.study.StudyDirection:
    return optuna.study.StudyDirection[spec.direction.upper()]


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
