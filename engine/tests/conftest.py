"""Fixtures."""

from __future__ import annotations

import os
import shutil

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before an engine is imported, as the pool does

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support import Case, Fitted, FittedOf, TalkingWorker, sample
from tuning_support import Desk


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "data", *sample())


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedOf:
    """Fits of `sample`, one a model."""

    @cache
    def of(model: str) -> Fitted:
        fit = Case(tmp_path_factory.mktemp(model) / "data", *sample()).fit(model)
        return Fitted(fit.case, fit.request, fit.result, frozenset(path.name for path in fit.out.iterdir()))

    return of


@pytest.fixture
def worker() -> Iterator[TalkingWorker]:
    talking = TalkingWorker()
    yield talking
    talking.kill()


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
