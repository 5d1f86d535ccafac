"""Fixtures."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before an engine is imported, as the pool does

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Case, TalkingWorker, sample


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "data", *sample())


@pytest.fixture
def worker() -> Iterator[TalkingWorker]:
    talking = TalkingWorker()
    yield talking
    talking.kill()
