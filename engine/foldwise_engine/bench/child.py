"""One measurement in a process of its own: nothing warm, and a peak of memory that is its own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, TypeVar

import msgspec

from foldwise_engine.bench.data import Task

Answer = TypeVar("Answer")


def run(task: Task, kind: type[Answer]) -> Answer:
    """Measure it there; raises `RuntimeError` with what the process said where it failed."""
    command = [sys.executable, "-m", "foldwise_engine.bench.child", msgspec.json.encode(task).decode()]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise RuntimeError(f"{task.what} {task.model} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=kind)


def _measure(task: Task) -> Any:
    if task.what == "plain":
        from foldwise_engine.bench.plain import seconds_of_epoch

        return seconds_of_epoch(task)
    if task.what == "rate":
        from foldwise_engine.bench.rate import matrix_product

        return matrix_product(task.device, task.threads)
    if task.what == "latency":
        from foldwise_engine.bench.plain import seconds_of_window

        return seconds_of_window(task)
    from foldwise_engine.bench.ours import fit

    return fit(task)


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(_measure(msgspec.json.decode(sys.argv[1], type=Task))).decode() + "\n")
