"""The tuner's requests, each on a study that stays open from one to the next."""

from __future__ import annotations

from pathlib import Path

import optuna

from foldwise_engine.tuning.failures import typed
from foldwise_engine.tuning.protocol import (
    AskRequest,
    ImportanceRequest,
    ImportanceResult,
    ReportRequest,
    ReportResult,
    RequeueRequest,
    RequeueResult,
    StudyAnswer,
    StudyJob,
    StudyRequest,
    StudyResult,
    TellRequest,
    TellResult,
    TrialsRequest,
    TrialsResult,
    TunerResult,
)
from foldwise_engine.tuning.records import write_trials
from foldwise_engine.tuning.storage import LOCK_SECONDS, make_file
from foldwise_engine.tuning.study import OpenStudy


def ready() -> TunerResult:
    """Load what Optuna imports only when it is first used: a trial in memory uses most of it."""
    study = optuna.create_study(storage="sqlite://", sampler=optuna.samplers.TPESampler(n_startup_trials=0))
    trial = study.ask()
    study.tell(trial, trial.suggest_float("x", 0, 1))
    return TunerResult(optuna=optuna.__version__)


class Tuner:
    """The studies that this worker has open, by file and name."""

    def __init__(self, lock_seconds: float = LOCK_SECONDS) -> None:
        self._lock_seconds = lock_seconds
        self._open: dict[tuple[Path, str], OpenStudy] = {}

    def run(self, request: StudyJob) -> StudyAnswer:
        """Answer one request; what fails leaves the study as it was before."""
        file = Path(request.study.file).absolute()
        key = (file, request.study.name)
        with typed(file):
            try:
                if isinstance(request, StudyRequest):
                    make_file(file)
                return _answer(self._opened(key), request)
            except BaseException:
                # What Optuna remembers of this step was not written.
                self._close(key)
                raise

    def close(self) -> None:
        """Let go of all files."""
        for key in list(self._open):
            self._close(key)

    def _opened(self, key: tuple[Path, str]) -> OpenStudy:
        held = self._open.get(key)
        if held is not None and not held.current:
            self._close(key)
            held = None
        if held is None:
            held = self._open[key] = OpenStudy(key[0], self._lock_seconds)
        return held

    def _close(self, key: tuple[Path, str]) -> None:
        held = self._open.pop(key, None)
        if held is not None:
            held.close()


def _answer(study: OpenStudy, request: StudyJob) -> StudyAnswer:
    match request:
        case StudyRequest(study=spec, attrs=attrs, out=out):
            created, kept = study.make(spec, attrs)
            write_trials(Path(out), study.trials(spec))
            return StudyResult(created=created, attrs=kept)
        case AskRequest():
            return study.ask(request)
        case ReportRequest():
            return ReportResult(prune_at=study.report(request))
        case TellRequest():
            study.tell(request)
            return TellResult()
        case RequeueRequest(study=spec, trials=trials):
            return RequeueResult(requeued=study.requeue(spec, trials))
        case ImportanceRequest(study=spec, seed=seed):
            return ImportanceResult(importance=study.importance(spec, seed))
        case TrialsRequest(study=spec, out=out):
            found = study.trials(spec)
            write_trials(Path(out), found)
            return TrialsResult(count=len(found))
