"""What a plain script does to tune LightGBM with Optuna: a study in memory, TPE, the median pruner, a callback that reports every
round as optuna-integration's does, and purged folds that are given as row files.

`"shared": false` bins every fold anew in every trial, as most scripts do; `true` builds the folds' data once, before the first.
`"enqueued"`: parameters that are tried in this order instead of drawn ones; null: the study draws.
"""

from __future__ import annotations

import time
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna

from common import Answer, Command, loaded, serve

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Pruning:
    """`optuna_integration.LightGBMPruningCallback`, for several fits in one trial: their rounds are numbered on."""

    def __init__(self, trial: optuna.Trial, first: int) -> None:
        self.trial, self.first = trial, first

    def __call__(self, env: lgb.callback.CallbackEnv) -> None:
        """Report the stop rows' loss; end the trial where the pruner says so."""
        (loss,) = (result[2] for result in env.evaluation_result_list or ())
        self.trial.report(loss, step=self.first + env.iteration)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def suggest(trial: optuna.Trial, space: list[dict[str, Any]]) -> dict[str, Any]:
    """One value of every dimension."""
    params: dict[str, Any] = {}
    for each in space:
        name = each["name"]
        if each["type"] == "categorical":
            params[name] = trial.suggest_categorical(name, each["choices"])
        elif each["type"] == "int":
            params[name] = trial.suggest_int(name, each["low"], each["high"], log=each["log"])
        else:
            params[name] = trial.suggest_float(name, each["low"], each["high"], log=each["log"])
    return params


def tune(command: Command) -> Answer:
    """The study; seconds from its beginning to its best trial."""
    X = np.array(loaded(command["X"]))
    y = loaded(command["y"]).astype(np.int32) + 1
    w = np.array(loaded(command["w"]))
    folds = [{name: np.load(path) for name, path in fold.items()} for fold in command["folds"]]
    fixed = {
        **command["params"],
        # As Foldwise sets them: which way histograms are built is else decided by timing.
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "num_threads": command["threads"],
        "seed": command["seed"],
        "verbosity": -1,
    }
    start = time.perf_counter()
    arrays = [{name: X[rows] for name, rows in fold.items()} for fold in folds]

    def built(i: int) -> tuple[lgb.Dataset, lgb.Dataset]:
        fit, stop = folds[i]["fit"], folds[i]["stop"]
        train = lgb.Dataset(arrays[i]["fit"], label=y[fit], weight=w[fit] / w[fit].mean(), params=fixed)
        valid = lgb.Dataset(arrays[i]["stop"], label=y[stop], reference=train, params=fixed)
        return train.construct(), valid.construct()

    shared = [built(i) for i in range(len(folds))] if command["shared"] else None

    def objective(trial: optuna.Trial) -> float:
        drawn = suggest(trial, command["space"])
        params = {**fixed, **(command["defaults"] if trial.number == 0 else drawn)}
        losses = []
        for i, fold in enumerate(folds):
            train, valid = built(i) if shared is None else shared[i]
            booster = lgb.train(
                params,
                train,
                command["rounds"],
                valid_sets=[valid],
                callbacks=[
                    lgb.early_stopping(command["patience"], verbose=False),
                    Pruning(trial, i * command["rounds"]),
                ],
            )
            p = np.asarray(booster.predict(arrays[i]["test"]))
            losses.append(-np.log(np.maximum(p[np.arange(len(p)), y[fold["test"]]], 1e-15)))
        return float(np.concatenate(losses).mean())

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=command["seed"]),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=command["startup"], n_warmup_steps=command["warmup"]),
    )
    for params in command["enqueued"] or [command["first"]]:
        study.enqueue_trial(params)
    study.optimize(objective, n_trials=command["trials"])
    return {
        "seconds": time.perf_counter() - start,
        "best": study.best_value,
        "pruned": sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials),
        "values": [None if trial.state != optuna.trial.TrialState.COMPLETE else trial.value for trial in study.trials],
    }


if __name__ == "__main__":
    serve(tune)
