"""The trials of a study, as Optuna itself reads them: `{"file": …, "study": …}`."""

from __future__ import annotations

import optuna

from common import Answer, Command, serve


def run(command: Command) -> Answer:
    """State, slot, value and parameters of every trial."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(study_name=command["study"], storage=f"sqlite:///{command['file']}")
    trials = [
        {
            "state": trial.state.name,
            "slot": trial.user_attrs.get("slot"),
            "value": trial.value if trial.state == optuna.trial.TrialState.COMPLETE else None,
            "params": trial.params,
        }
        for trial in study.get_trials(deepcopy=False)
    ]
    return {"seconds": 0.0, "trials": trials}


if __name__ == "__main__":
    serve(run)
