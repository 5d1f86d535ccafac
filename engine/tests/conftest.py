"""Fixtures."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before an engine is imported, as the pool does

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support import Case, Fitted, FittedOf, TalkingWorker, sample


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
