"""What SQLite and Optuna say of a study, as the protocol names it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foldwise_engine.errors import EngineError
from foldwise_engine.tuning.storage import bad_study

CORRECT_SPACE = "Correct the search space, or begin a new study."


@contextmanager
def typed(file: Path) -> Iterator[None]:
    """Failures inside of it are told as those of this study file."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        found = _of_sqlite(error)
        if found is not None:
            raise _typed(found, file) from error
        if isinstance(error, json.JSONDecodeError):  # an attribute or a distribution
            raise bad_study(file, f"a value of it is not JSON ({error})") from error
        if isinstance(error, ValueError):  # Optuna's word for a space or a value that does not fit
            raise EngineError("bad_parameter", str(error).strip(), CORRECT_SPACE) from error
        raise


def _of_sqlite(error: BaseException) -> sqlite3.Error | None:
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, sqlite3.Error):
        seen = seen.__cause__ or seen.__context__
    return seen


def _typed(error: sqlite3.Error, file: Path) -> EngineError:
    said = str(error)
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return EngineError("study_locked", f"Another process has held {file} for long ({said}).")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return bad_study(file, said)
        case sqlite3.SQLITE_ERROR if "no such" in said:
            return bad_study(file, said)
        case sqlite3.SQLITE_FULL:
            return EngineError("internal", f"The disk is full: {file} could not be written.", "Free space and run again.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return EngineError("internal", f"{file} cannot be written: {said}.", "Make it and its folder writable.")
        case _:
            return EngineError("internal", f"SQLite says of {file}: {said}.")
