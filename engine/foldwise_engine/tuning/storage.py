"""Optuna's own SQLite storage, with one transaction a request.

Optuna commits every attribute and parameter by itself: a dozen transactions for one trial, each of which syncs the file and
may be the last before a kill. Here what a request writes is committed together. The transaction begins with SQLite's write
lock, so it is also the lock between processes; the system releases it when its holder dies, and whoever opens the file next
rolls back what was not committed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, cast

import optuna
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from sqlalchemy import insert
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import QueuePool

from foldwise_engine.errors import EngineError

LOCK_SECONDS = 60.0
"""How long a request waits for that of another process."""


class _RequestSession(Session):
    """While it is held, what Optuna commits is only written, and is committed at the end of the request."""

    held = False
    rolled_back = False

    def commit(self) -> None:
        if not self.held:
            super().commit()
            return
        self.flush()
        self.expire_all()

    def rollback(self) -> None:
        self.rolled_back = self.held
        super().rollback()

    def close(self) -> None:
        if not self.held:
            super().close()


class StudyStorage(RDBStorage):
    """A study file, which is made where `new` says so and must be there otherwise."""

    def __init__(self, file: Path, lock_seconds: float, *, new: bool = False) -> None:
        def connect() -> sqlite3.Connection:
            connection = _connect(file, lock_seconds, mode="rwc" if new else "rw")
            # Against the end of the process every setting is safe; this one keeps the file whole at a loss of power too.
            connection.execute("PRAGMA synchronous=NORMAL")
            return connection

        super().__init__(
            "sqlite:///study",  # only its kind counts: `connect` knows the file, whatever characters its name has
            engine_kwargs={"creator": connect, "poolclass": QueuePool},
            skip_table_creation=not new,
            skip_compatibility_check=True,
        )
        self._sessions = scoped_session(sessionmaker(bind=self.engine, class_=_RequestSession))
        self.scoped_session = cast("scoped_session[Session]", self._sessions)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that Optuna reads and writes inside of it is one step, which no other process's step comes between."""
        session = self._sessions()
        try:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            session.held, session.rolled_back = True, False
            yield
            if session.rolled_back:
                raise RuntimeError("A step of a study was rolled back midway.")
            session.held = False
            session.commit()
        except BaseException:
            session.held = False
            session.rollback()
            raise
        finally:
            session.close()

    def add_intermediate_values(self, trial_id: int, values: Mapping[int, float]) -> None:
        """Those of steps that the trial has none of: one statement for all of them, where Optuna takes three for each."""
        model = models.TrialIntermediateValueModel
        rows = []
        for step, value in values.items():
            stored, kind = model.intermediate_value_to_stored_repr(value)
            rows.append({"trial_id": trial_id, "step": step, "intermediate_value": stored, "intermediate_value_type": kind})
        if rows:
            self._sessions().execute(insert(model), rows)

    def close(self) -> None:
        """Let go of the file."""
        self.remove_session()
        self.engine.dispose()


def open_storage(file: Path, lock_seconds: float = LOCK_SECONDS) -> StudyStorage:
    """Open a study file; raises `bad_study` for one that is damaged or none, `other_optuna` for one of another schema."""
    _examine(file, lock_seconds)
    storage = StudyStorage(file, lock_seconds)
    if storage.get_current_version() != storage.get_head_version():
        storage.close()
        raise _other_optuna(file)
    return storage


def make_file(file: Path) -> None:
    """Make a study file without a study, where there is none: it appears whole, and where two make one, the first wins."""
    if file.exists():
        return
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        StudyStorage(temporary, LOCK_SECONDS, new=True).close()
        _publish(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, file: Path) -> None:
    try:
        os.link(temporary, file)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not file.exists():
            temporary.rename(file)


def _connect(file: Path, lock_seconds: float, mode: Literal["rw", "rwc"]) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=lock_seconds, check_same_thread=False
    )


def _examine(file: Path, lock_seconds: float) -> None:
    """Whether this is a whole database with Optuna's tables; what SQLite itself finds wrong is raised as it is."""
    if not file.exists():
        raise EngineError("bad_study", f"There is no study file {file}.", "Tune anew.")
    with closing(_connect(file, lock_seconds, "rw")) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise bad_study(file, found)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        missing = {*models.BaseModel.metadata.tables, "alembic_version"} - tables
        if not missing:
            return
        if "version_info" in tables:
            made_by = connection.execute("SELECT library_version FROM version_info").fetchone()
            if made_by is not None and made_by[0] != optuna.__version__:
                raise _other_optuna(file)
    raise bad_study(file, "no tables" if not tables else f"no table {min(missing)}")


def bad_study(file: Path, found: str) -> EngineError:
    """The file holds no studies that can be read."""
    return EngineError("bad_study", f"{file} is damaged, or is no study file: {found}.")


def _other_optuna(file: Path) -> EngineError:
    return EngineError(
        "other_optuna", f"{file} was written by another version of Optuna, whose tables {optuna.__version__} does not read."
    )
