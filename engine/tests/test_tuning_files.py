"""Study files: held by others, damaged, moved, and requests that cannot be."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from support import ENGINE
from tuning_support import ASK, SPACE, Desk, Params

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
        ("report", {"trial": 9, "values": [[1, 1.0]], "judge_from": None}, "bad_request"),
    ],
)
def test_what_cannot_be_told_is_refused(desk: Desk, kind: str, fields: Params, code: str) -> None:
    desk.next()
    assert desk.fail(kind, **fields).code == code
    assert desk.trials()[0]["state"] == "running"


def test_a_study_of_the_other_direction_is_looked_at_but_not_gone_on_with(desk: Desk) -> None:
    desk.spec["direction"] = "maximize"
    assert not desk.open().created
    assert desk.fail("ask", **ASK).code == "bad_parameter"
    assert desk.run("trials", out=str(desk.out)).count == 0


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
