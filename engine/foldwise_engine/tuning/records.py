"""A study's trials as the caller reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from optuna.trial import FrozenTrial

from foldwise_engine.files import write_bytes


def write_trials(path: Path, trials: Sequence[FrozenTrial]) -> None:
    """A JSON array, ascending by number; numbers that are not finite are null."""
    write_bytes(path, msgspec.json.encode([record(trial) for trial in trials]))


def record(trial: FrozenTrial) -> dict[str, Any]:
    """One trial."""
    return {
        "number": trial.number,
        "slot": trial.user_attrs.get("slot"),
        "state": trial.state.name.lower(),
        "value": None if trial.values is None else _finite(trial.values[0]),
        "params": trial.params,
        "intermediate": [[step, _finite(value)] for step, value in sorted(trial.intermediate_values.items())],
        "attrs": trial.user_attrs,
        "started": _utc(trial.datetime_start),
        "ended": _utc(trial.datetime_complete),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _utc(time: datetime | None) -> str | None:
    """Optuna's times are those of the local clock."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
