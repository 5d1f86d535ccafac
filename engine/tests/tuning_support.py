"""A desk: requests to a tuner of this process, on one study."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import optuna
import pytest

from foldwise_engine.errors import EngineError
from foldwise_engine.protocol import decode_request
from foldwise_engine.tuning.jobs import Tuner
from foldwise_engine.tuning.protocol import AskedTrial

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

    def report(self, number: int, *values: tuple[int, float], judge_from: int | None = 0) -> int | None:
        """Intermediate values."""
        step: int | None = self.run("report", trial=number, values=values, judge_from=judge_from).prune_at
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
