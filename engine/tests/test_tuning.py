"""Studies: what the tuner does to them, and what Optuna itself reads of it."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import optuna
import pytest
from optuna.trial import TrialState
from support import ENGINE

from foldwise_engine.errors import EngineError
from foldwise_engine.protocol import decode_request
from foldwise_engine.tuning.jobs import Tuner
from foldwise_engine.tuning.protocol import AskedTrial
from foldwise_engine.tuning.pruners import SlotHyperbandPruner

Params = dict[str, Any]

SPACE: list[dict[str, Any]] = [
    {"type": "float", "name": "x", "when": None, "low": 0, "high": 1, "log": False},
    {"type": "float", "name": "rate", "when": None, "low": 1e-3, "high": 1, "log": True},
    {"type": "int", "name": "leaves", "when": None, "low": 4, "high": 64, "log": False, "step": 4},
    {"type": "categorical", "name": "kind", "when": None, "choices": ["a", "b", None, True, 2]},
    {
        "type": "int",
        "name": "depth",
        "when": {"name": "kind", "values": ["a", True]},
        "low": 1,
        "high": 9,
        "log": True,
        "step": 1,
    },
    {"type": "float", "name": "share", "when": {"name": "depth", "values": [1, 2, 3]}, "low": 0, "high": 2, "log": False},
]
DEFAULTS: Params = {"x": 0.5, "rate": 0.1, "leaves": 32, "kind": "b"}
ASK: Params = {
    "sampler": {"kind": "random", "seed": 1, "constant_liar": False},
    "target": 9,
    "defaults": {},
    "token": "t",
    "owner": {},
}
TARGET = 12
"""Two more than the random trials with which TPE begins."""
STEPS = 100
HYPERBAND = {"kind": "hyperband", "min_resource": 10, "max_resource": 100, "reduction": 3}


class Desk:
    """Requests to a tuner of this process, on one study."""

    def __init__(self, folder: Path, sampler: str = "tpe", **spec: Any) -> None:
        self.file = folder / "study {x} ä.db"
        self.sampler = sampler
        self.out = folder / "trials.json"
        self.spec = {
            "file": str(self.file),
            "name": "s",
            "direction": "minimize",
            "space": SPACE,
            "pruner": {"kind": "none"},
            "steps_per_fold": STEPS,
            **spec,
        }
        self.tuner = Tuner(lock_seconds=0.2)
        self._tokens = itertools.count()

    def run(self, kind: str, **fields: Any) -> Any:
        """One request, through the decoder of the protocol; its answer can be written."""
        request = decode_request(msgspec.json.encode({"type": kind, "id": "r", "study": self.spec, **fields}))
        answer = self.tuner.run(request)  # type: ignore[arg-type]
        msgspec.json.encode(answer)
        return answer

    def open(self, **attrs: Any) -> Any:
        """Make or open the study."""
        return self.run("study", attrs=attrs, out=str(self.out))

    def ask(self, token: str | None = None, **fields: Any) -> AskedTrial | None:
        """The next trial."""
        sampler = {"kind": self.sampler, "seed": 7, "constant_liar": False}
        token = token or f"token {next(self._tokens)}"
        base = {"sampler": sampler, "target": TARGET, "defaults": DEFAULTS, "token": token, "owner": {"pid": 3}}
        trial: AskedTrial | None = self.run("ask", **{**base, **fields}).trial
        return trial

    def next(self) -> AskedTrial:
        """The next trial, of which there is one."""
        trial = self.ask()
        assert trial is not None
        return trial

    def tell(self, number: int, value: float | None, state: str = "complete", **attrs: Any) -> None:
        """End a trial."""
        self.run("tell", trial=number, state=state, value=value, attrs=attrs)

    def report(self, number: int, *values: tuple[int, float]) -> int | None:
        """Intermediate values."""
        step: int | None = self.run("report", trial=number, values=values).prune_at
        return step

    def trials(self) -> list[dict[str, Any]]:
        """As the caller reads them."""
        count = self.run("trials", out=str(self.out)).count
        trials: list[dict[str, Any]] = json.loads(self.out.read_bytes())
        assert len(trials) == count
        return trials

    def optuna(self) -> optuna.Study:
        """The study as Optuna itself opens it."""
        where = self.file.with_name("copy.db")
        shutil.copy(self.file, where)
        return optuna.load_study(study_name="s", storage=f"sqlite:///{where}")

    def fail(self, kind: str, **fields: Any) -> EngineError:
        """The error of a request that fails."""
        with pytest.raises(EngineError) as caught:
            self.run(kind, **fields)
        return caught.value


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with an empty study, made once: that takes longer than most of what is tested here."""
    desk = Desk(tmp_path_factory.mktemp("study"))
    desk.open()
    desk.tuner.close()
    return desk.file


@pytest.fixture
def desk(tmp_path: Path, study_file: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    shutil.copy(study_file, desk.file)
    yield desk
    desk.tuner.close()


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


def test_a_trial_that_was_enqueued_again_stays_in_its_bracket() -> None:
    study = optuna.create_study(study_name="s")
    pruner = SlotHyperbandPruner(study, 10, 100, 3)
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


HOLD = """
import sys, time
from foldwise_engine.tuning.storage import open_storage
from pathlib import Path
storage = open_storage(Path(sys.argv[1]))
with storage.transaction():
    storage.create_new_trial(storage.get_study_id_from_name("s"))
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_waited_for_and_what_it_left_undone_when_killed_is_gone(desk: Desk) -> None:
    desk.next()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(desk.file)], env={"PYTHONPATH": str(ENGINE)}, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        locked = desk.fail("ask", **ASK)
        assert (locked.code, str(desk.file) in str(locked)) == ("study_locked", True)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert desk.next().slot == 1
    assert [trial["number"] for trial in desk.trials()] == [0, 1]


def test_a_step_that_fails_midway_leaves_nothing(desk: Desk) -> None:
    desk.next()
    desk.spec["space"] = [SPACE[0], {**SPACE[3], "choices": ["a", "c"]}]
    failed = desk.fail("ask", **ASK)
    assert (failed.code, "dynamic value space" in str(failed)) == ("bad_parameter", True)
    assert len(desk.trials()) == 1
    desk.spec["space"] = SPACE
    assert desk.next().slot == 1


@pytest.mark.parametrize(
    "dimension",
    [
        {"type": "float", "name": "x", "when": None, "low": 2, "high": 1, "log": False},
        {"type": "float", "name": "x", "when": None, "low": 0, "high": 1, "log": True},
        {"type": "categorical", "name": "x", "when": None, "choices": [1, True]},
    ],
)
def test_a_space_that_cannot_be_drawn_from_is_refused(desk: Desk, dimension: Params) -> None:
    desk.spec["space"] = [dimension]
    assert desk.fail("ask", **ASK).code == "bad_parameter"
    assert desk.trials() == []


def spoil(file: Path, how: str) -> None:
    """Damage a study file."""
    content = file.read_bytes()
    match how:
        case "text":
            file.write_text("open,high,low,close\n" * 50)
        case "empty":
            file.write_bytes(b"")
        case "cut short":
            file.write_bytes(content[: len(content) // 2])
        case "overwritten":
            file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 8192) + content[-4096:])
        case _:
            statements = {
                "no JSON": "UPDATE trial_user_attributes SET value_json = '{'",
                "table gone": "DROP TABLE trial_params",
                "other schema": "UPDATE alembic_version SET version_num = 'v9.9.9.a'",
                "old": "DROP TABLE trial_heartbeats; UPDATE version_info SET library_version = '2.10.1'",
            }
            with closing(sqlite3.connect(file)) as connection:
                connection.executescript(statements[how])
                connection.commit()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("text", "bad_study"),
        ("empty", "bad_study"),
        ("cut short", "bad_study"),
        ("overwritten", "bad_study"),
        ("table gone", "bad_study"),
        ("no JSON", "bad_study"),
        ("other schema", "other_optuna"),
        ("old", "other_optuna"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_left_as_it_is(desk: Desk, how: str, code: str) -> None:
    desk.next()
    desk.tuner.close()
    spoil(desk.file, how)
    content = desk.file.read_bytes()
    failed = desk.fail("study", attrs={}, out=str(desk.out))
    assert (failed.code, str(desk.file) in str(failed)) == (code, True)
    assert desk.file.read_bytes() == content


def test_a_file_that_was_moved_aside_is_not_written_to_any_more(desk: Desk) -> None:
    desk.next()
    aside = desk.file.rename(desk.file.with_name("aside.db"))
    content = aside.read_bytes()
    assert desk.fail("trials", out=str(desk.out)).code == "bad_study"
    assert not desk.file.exists()
    assert desk.open().created
    assert desk.next().slot == 0
    assert aside.read_bytes() == content


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("tell", {"trial": 9, "state": "fail", "value": None, "attrs": {}}, "bad_request"),
        ("tell", {"trial": 0, "state": "complete", "value": None, "attrs": {}}, "bad_parameter"),
        ("report", {"trial": 9, "values": [[1, 1.0]]}, "bad_request"),
    ],
)
def test_what_cannot_be_told_is_refused(desk: Desk, kind: str, fields: Params, code: str) -> None:
    desk.next()
    assert desk.fail(kind, **fields).code == code
    assert desk.trials()[0]["state"] == "running"


def test_a_study_of_the_other_direction_is_refused(desk: Desk) -> None:
    desk.spec["direction"] = "maximize"
    assert desk.fail("trials", out=str(desk.out)).code == "bad_parameter"


def test_a_tuner_imports_no_engine_and_no_pandas() -> None:
    code = (
        "import sys; from foldwise_engine.tuning.jobs import ready; print(ready().optuna);"
        "print([m for m in ('sklearn', 'xgboost', 'torch', 'pandas', 'onnx', 'foldwise_engine.jobs') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ENGINE)}, capture_output=True, check=True, text=True
    )
    assert run.stdout.split("\n")[:2] == [optuna.__version__, "[]"]
    assert run.stderr == ""
