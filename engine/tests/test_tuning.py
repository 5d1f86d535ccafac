"""Studies: what the tuner does to them, and what Optuna itself reads of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import optuna
import pytest
from optuna.trial import TrialState
from tuning_support import DEFAULTS, HYPERBAND, STEPS, TARGET, Desk, Params

from foldwise_engine.tuning.jobs import Tuner
from foldwise_engine.tuning.protocol import HyperbandPruner
from foldwise_engine.tuning.pruners import SlotHyperbandPruner


def objective(params: Params) -> float:
    return float((params["x"] - 0.3) ** 2 + abs(params["rate"] - 0.02) + params["leaves"] / 100 + (params["kind"] == "b"))


def search(desk: Desk, kills: tuple[int, ...] = ()) -> dict[int, Params]:
    """All trials of a study, one at a time; those of the slots `kills` are lost at first, with the tuner that asked."""
    lost = set(kills)
    params: dict[int, Params] = {}
    while (trial := desk.ask()) is not None:
        assert trial.slot not in params
        if trial.slot in lost:
            lost.remove(trial.slot)
            desk.report(trial.number, (1, 5.0))
            desk.tuner = Tuner(lock_seconds=0.2)
            assert desk.run("requeue", trials=[trial.number]).requeued == [trial.number]
            continue
        params[trial.slot] = trial.params
        value = objective(trial.params)
        stop = desk.report(trial.number, *((step, value + 1 / step) for step in (5, 10, 30, 90)))
        desk.tell(trial.number, None if stop else value, "pruned" if stop else "complete")
    assert not lost
    return params


@pytest.mark.parametrize(
    ("sampler", "pruner"),
    [("tpe", {"kind": "none"}), ("tpe", HYPERBAND), ("random", {"kind": "none"}), ("qmc", {"kind": "none"})],
)
def test_a_study_that_was_broken_off_equals_an_unbroken_one(
    tmp_path: Path, study_file: Path, sampler: str, pruner: Params
) -> None:
    found, bests, states = [], [], []
    for name, kills in {"unbroken": (), "broken": (0, 5, 11)}.items():
        folder = tmp_path / name
        folder.mkdir()
        desk = Desk(folder, sampler, pruner=pruner)
        shutil.copy(study_file, desk.file)
        found.append(search(desk, kills))
        study = desk.optuna()
        kept = [trial for trial in study.trials if trial.state != TrialState.FAIL]
        states.append({trial.user_attrs["slot"]: trial.state for trial in kept})
        bests.append((study.best_value, study.best_params))
        failed = [trial for trial in study.trials if trial.state == TrialState.FAIL]
        assert [trial.user_attrs["slot"] for trial in failed] == list(kills)
        assert all(trial.user_attrs["requeued"] for trial in failed)
    assert list(found[0]) == list(range(TARGET))
    assert found[0][0] == DEFAULTS
    assert found[0] == found[1]
    assert states[0] == states[1]
    assert bests[0] == bests[1]
    if pruner is HYPERBAND:
        assert TrialState.PRUNED in states[0].values()


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_with_four_workers_no_two_of_the_first_ten_trials_are_the_same(desk: Desk, sampler: str) -> None:
    desk.sampler = sampler
    running = [desk.next() for _ in range(4)]
    asked = list(running)
    while len(asked) < 10:
        trial = running.pop(0)
        desk.tell(trial.number, objective(trial.params))
        running.append(desk.next())
        asked.append(running[-1])
    assert [trial.slot for trial in asked] == list(range(10))
    for name in ("x", "rate"):
        assert len({trial.params[name] for trial in asked}) == 10
    assert len({str(trial.params["kind"]) for trial in asked}) > 2


def test_a_dimension_is_drawn_where_its_condition_is_met(desk: Desk) -> None:
    trials = [desk.next().params for _ in range(TARGET)]
    assert {"a", True} <= {params["kind"] for params in trials}
    for params in trials:
        assert ("depth" in params) == (params["kind"] in ("a",) or params["kind"] is True)
        assert ("share" in params) == (params.get("depth", 9) <= 3)
        assert params["leaves"] % 4 == 0
    assert any("share" in params for params in trials)


def test_a_repeated_request_is_answered_with_the_trial_that_it_made(desk: Desk) -> None:
    desk.next()
    first = desk.ask("mine")
    other = desk.next()
    assert desk.ask("mine") == first
    desk.tuner = Tuner()
    assert desk.ask("mine") == first
    assert first is not None
    desk.tell(first.number, 1.0)
    after = desk.ask("mine")
    assert after is not None
    assert after.slot == other.slot + 1
    assert [trial["attrs"]["owner"] for trial in desk.trials()] == [{"pid": 3}] * 4


def test_what_others_began_or_enqueued_fails_or_takes_a_slot(desk: Desk) -> None:
    desk.next()
    with _written(desk) as study:
        study.ask()
        study.enqueue_trial({"x": 0.125})
        study.enqueue_trial({"x": 0.25})
    taken = desk.ask(target=2)
    assert taken is not None
    assert (taken.slot, taken.params["x"]) == (1, 0.125)
    assert desk.ask(target=2) is None
    desk.run("requeue", trials=[0, 1, taken.number])
    # Those with a slot go before one for which there is none left.
    again = [desk.ask(target=2), desk.ask(target=2), desk.ask(target=2)]
    assert [trial and (trial.slot, trial.params["x"]) for trial in again] == [(0, 0.5), (1, 0.125), None]
    assert [(trial["slot"], trial["state"]) for trial in desk.trials()] == [
        (0, "fail"),
        (None, "fail"),
        (1, "fail"),
        (None, "waiting"),
        (0, "running"),
        (1, "running"),
    ]


@contextmanager
def _written(desk: Desk) -> Iterator[optuna.Study]:
    """Optuna itself at work on the file, between two requests."""
    storage = optuna.storages.RDBStorage("sqlite://", {"creator": lambda: sqlite3.connect(desk.file)})
    yield optuna.load_study(study_name="s", storage=storage)
    storage.remove_session()
    storage.engine.dispose()


def test_optuna_reads_what_was_told(desk: Desk) -> None:
    complete, pruned, failed, running = (desk.next() for _ in range(4))
    assert desk.report(complete.number, (10, 0.5), (STEPS, 0.25)) is None
    desk.tell(complete.number, 0.25, rounds=[10, 20])
    desk.report(pruned.number, (10, 3.0))
    desk.tell(pruned.number, None, "pruned")
    desk.tell(failed.number, None, "fail", cause="it broke")
    desk.tell(failed.number, 1.0)  # it has ended already
    read = [
        (
            t.number,
            t.state.name.lower(),
            t.value,
            t.params,
            [list(each) for each in t.intermediate_values.items()],
            t.user_attrs,
        )
        for t in desk.optuna().trials
    ]
    assert [row[1] for row in read] == ["complete", "pruned", "fail", "running"]
    assert [row[2] for row in read] == [0.25, 3.0, None, None]
    names = ("number", "state", "value", "params", "intermediate", "attrs")
    trials = desk.trials()
    assert [tuple(trial[name] for name in names) for trial in trials] == read
    assert trials[0]["attrs"]["rounds"] == [10, 20]
    assert trials[0]["started"] <= trials[0]["ended"] < "3000"
    assert trials[running.number]["ended"] is None


def test_a_trial_that_has_ended_elsewhere_is_pruned_at_once(desk: Desk) -> None:
    trial = desk.next()
    desk.run("requeue", trials=[trial.number])
    assert desk.report(trial.number, (4, 1.0), (5, 1.0)) == 4
    assert desk.trials()[0]["intermediate"] == []


def test_a_study_keeps_the_attributes_it_was_made_with(desk: Desk) -> None:
    made = Desk(desk.file.parent, name="second")
    assert msgspec.to_builtins(made.open(model="svm", nested={"a": [1]})) == {
        "kind": "study",
        "created": True,
        "attrs": {"model": "svm", "nested": {"a": [1]}},
    }
    made.tuner = Tuner()
    again = made.open(model="lstm")
    assert (again.created, again.attrs["model"]) == (False, "svm")
    assert json.loads(made.out.read_bytes()) == []
    assert [path.name for path in desk.file.parent.glob("*.db*")] == [desk.file.name]


@pytest.mark.parametrize(
    ("reported", "prune_at"),
    [
        ([(20, 2.5)], 20),
        ([(20, 1.5)], None),
        ([(10, 9.0)], None),  # warm-up
        ([(20, 0.1), (120, 9.0)], 120),  # a good first fold does not spare the second
        ([(20, 0.1), (110, 9.0)], None),  # warm-up of the second fold
        ([(20, 0.1), (100, 9.0)], 100),  # nor its own rounds the end of a fold
        ([(20, 0.1), (30, 9.0)], None),  # the best of the fold so far counts
        ([(100, 1.5), (110, 0.5), (120, 9.0)], None),
    ],
)
def test_the_median_pruner_compares_within_a_fold(
    desk: Desk, reported: list[tuple[int, float]], prune_at: int | None
) -> None:
    desk.spec["pruner"] = {"kind": "median", "startup": 3, "warmup": 10}
    for value in (1.0, 2.0, 3.0):
        trial = desk.next()
        assert desk.report(trial.number, *((step, value) for step in (10, 20, 30, 100, 110, 120, 200))) is None
        desk.tell(trial.number, value)
    trial = desk.next()
    assert desk.report(trial.number, *reported) == prune_at
    # A request that is repeated, because its worker died of it, gets the same answer.
    assert desk.report(trial.number, *reported) == prune_at
    steps = [step for step, _ in reported]
    assert [step for step, _ in desk.trials()[trial.number]["intermediate"]] == steps


def test_the_median_pruner_maximises_too_and_waits_for_completed_trials(tmp_path: Path) -> None:
    desk = Desk(tmp_path, direction="maximize", pruner={"kind": "median", "startup": 2, "warmup": 0})
    desk.open()
    for value in (2.0, 3.0):
        trial = desk.next()
        assert desk.report(trial.number, (1, value)) is None
        desk.tell(trial.number, value)
    assert desk.report(desk.next().number, (1, 2.6)) is None
    assert desk.report(desk.next().number, (1, 2.4)) == 1


def test_the_race_compares_the_folds_that_a_trial_has_done_with_the_same_of_the_best_quarter(desk: Desk) -> None:
    desk.spec["pruner"] = {"kind": "race", "startup": 5, "quantile": 0.25, "rows": [7, 30, 10]}
    end = [STEPS * fold for fold in (1, 2, 3)]
    for off in range(5):
        trial = desk.next()
        # The last fold is done first, and rounds within a fold are no matter.
        assert desk.report(trial.number, (end[2], 9.0 + off), (1, 99.0), (end[0], 1.0), (end[1], 2.0 + off)) is None
        desk.tell(trial.number, float(off))
    # Of 9, 10 … 13 the first quarter ends with 10; of means with the second fold, which has three times the rows, of
    # 3.75, 4.75 … 7.75 with 4.75.
    good, bad, worse = desk.next(), desk.next(), desk.next()
    assert desk.report(good.number, (1, 99.0), (end[2], 10.0), (end[1], 3.0)) is None
    assert desk.report(bad.number, (2 * STEPS + 1, 0.0), (end[2], 10.1)) == end[2]
    assert desk.report(worse.number, (end[2], 10.0)) is None
    assert desk.report(worse.number, (STEPS + 1, 0.0), (end[1], 3.1)) == end[1]
    desk.tell(worse.number, None, "pruned")
    # Repeated as after a death of the worker, with values of which the later ones are known already.
    again = desk.next()
    values = ((end[2], 10.0), (end[1], 3.1))
    assert [desk.report(again.number, *values, judge_from=None), desk.report(again.number, *values)] == [None, end[1]]


def test_the_race_maximises_too_and_waits_for_completed_trials(tmp_path: Path) -> None:
    race = {"kind": "race", "startup": 5, "quantile": 0.25, "rows": [9]}
    desk = Desk(tmp_path, direction="maximize", pruner=race)
    desk.open()
    for value in (2.0, 1.0, 3.0, 5.0, 4.0):
        trial = desk.next()
        assert desk.report(trial.number, (STEPS, value)) is None
        desk.tell(trial.number, value)
    assert desk.report(desk.next().number, (STEPS, 4.1)) is None
    assert desk.report(desk.next().number, (STEPS, 3.9)) == STEPS


def test_hyperband_compares_a_fold_that_stopped_early_by_its_rounds(desk: Desk) -> None:
    # One bracket with rungs at 10, 30 and 90 steps.
    desk.spec["pruner"] = {"kind": "hyperband", "min_resource": 10, "max_resource": 90, "reduction": 3}
    numbers = [desk.next().number for _ in range(12)]
    study = desk.optuna()
    bracket = SlotHyperbandPruner(study, HyperbandPruner(min_resource=10, max_resource=90, reduction=3), STEPS)
    same = [each for each in numbers if bracket._get_bracket_id(study, study.trials[each]) == 0][:4]
    for number in same[:3]:
        assert desk.report(number, (10, 1.0), (30, 1.0), (90, 1.0)) is None
    # It stopped after round 50; its tested rows are another matter.
    last = same[3]
    assert desk.report(last, (10, 1.0), (30, 0.9), (50, 0.5), (STEPS, 99.0)) is None
    assert desk.optuna().trials[last].system_attrs["completed_rung_2"] == 0.5


def test_values_that_were_spared_when_they_came_are_kept_and_not_judged(desk: Desk) -> None:
    desk.spec["pruner"] = {"kind": "median", "startup": 1, "warmup": 0}
    trial = desk.next()
    desk.report(trial.number, (20, 1.0), (30, 1.0))
    desk.tell(trial.number, 1.0)
    late, early = desk.next(), desk.next()
    assert desk.report(late.number, (20, 9.0), (30, 0.5), judge_from=1) is None
    assert desk.report(early.number, (20, 9.0), (30, 9.0), judge_from=None) is None
    assert [step for step, _ in desk.trials()[early.number]["intermediate"]] == [20, 30]


def test_a_trial_that_was_enqueued_again_stays_in_its_bracket() -> None:
    study = optuna.create_study(study_name="s")
    pruner = SlotHyperbandPruner(study, HyperbandPruner(min_resource=10, max_resource=100, reduction=3), STEPS)
    plain = optuna.pruners.HyperbandPruner(10, 100, 3)
    plain._try_initialization(study)
    by_slot, again = [], []
    for number in range(40):
        trial = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs={"slot": number})
        trial.number = number
        assert pruner._get_bracket_id(study, trial) == plain._get_bracket_id(study, trial)
        by_slot.append(pruner._get_bracket_id(study, trial))
        trial.number = number + 1
        again.append(pruner._get_bracket_id(study, trial))
    assert by_slot == again
    assert len(set(by_slot)) == 3


def test_importance_finds_the_parameter_that_matters(desk: Desk) -> None:
    desk.sampler = "random"
    assert desk.run("importance", seed=7).importance == {}
    for _ in range(6):
        trial = desk.next()
        desk.tell(trial.number, trial.params["x"])
    shares = desk.run("importance", seed=7).importance
    assert max(shares, key=shares.__getitem__) == "x"
    assert sum(shares.values()) == pytest.approx(1)
    assert set(shares) == {"x", "rate", "leaves", "kind"}
    assert desk.run("importance", seed=7).importance == shares


def test_there_is_no_importance_where_all_values_are_the_same(desk: Desk) -> None:
    for _ in range(3):
        desk.tell(desk.next().number, 1.0)
    assert desk.run("importance", seed=7).importance == {}
