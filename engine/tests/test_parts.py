"""The parts that adapters are made of: row selections, the cache, whole-or-nothing writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from foldwise_engine.cache import ByteCache
from foldwise_engine.data import Selection, open_array
from foldwise_engine.errors import classify
from foldwise_engine.files import write_via


@given(st.lists(st.integers(0, 49), min_size=1, max_size=60), st.integers(1, 20))
@hypothesis_settings(deadline=None, max_examples=60)
def test_blocks_put_together_are_the_rows_asked_for(rows: list[int], size: int) -> None:
    X = np.arange(100, dtype=np.float32).reshape(50, 2)
    selection = Selection(X, np.array(rows, np.int32), "memory")
    assert np.array_equal(np.concatenate(list(selection.blocks(size))), X[rows])
    assert np.array_equal(selection.take(), X[rows])


def test_consecutive_rows_are_not_copied() -> None:
    X = np.zeros((50, 2), np.float32)
    assert np.shares_memory(Selection(X, np.arange(5, 30, dtype=np.int32), "memory").take(), X)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's account of maps")
def test_released_rows_leave_memory_and_are_read_again(tmp_path: Path) -> None:
    path, values = tmp_path / "X.npy", np.arange(2_000_000, dtype=np.float32).reshape(-1, 10)
    np.save(path, values)

    def resident() -> int:
        maps = Path("/proc/self/smaps").read_text().split("VmFlags")
        of_file = next(part for part in maps if str(path) in part)
        return int(next(line.split()[1] for line in of_file.splitlines() if line.startswith("Rss:"))) * 1024

    selection = Selection(open_array(path, np.float32, 2), np.arange(200_000, dtype=np.int32), str(path))
    assert np.array_equal(selection.take(), values)
    assert resident() > 7_000_000
    selection.release()
    assert resident() < 1_000_000
    assert np.array_equal(selection.take(), values)


def test_rows_of_an_array_in_memory_have_nothing_to_release() -> None:
    selection = Selection(np.ones((50, 2), np.float32), np.arange(50, dtype=np.int32), "memory")
    selection.release()
    assert selection.take().all()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=50))
@hypothesis_settings(deadline=None, max_examples=60)
def test_the_cache_never_exceeds_its_budget(puts: list[tuple[int, int]]) -> None:
    cache: ByteCache[int] = ByteCache(100)
    for key, size in puts:
        cache.put(key, size, size)
        assert cache.bytes <= 100
        assert cache.get(key) == size


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_via(tmp_path / "model.ubj", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_whoever_writes() -> None:
    for error in (
        OSError(28, "No space left on device"),
        OSError(27, "File too large"),
        OSError("2787 requested and 2016 written"),
        RuntimeError("[12:00:00] /src/io/local_filesys.cc:42: FileStream.Write incomplete"),
    ):
        typed = classify(error)
        assert "disk is full" in str(typed)
        assert "space" in str(typed.remedy)
