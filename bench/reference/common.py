"""What the references share: a loop over commands, arrays, and peak memory. Needs nothing of Foldwise.

One command a line on standard input, one JSON answer a line on standard output; `{"ready": true}` once all is imported.
A fit names .npy files, as an engine worker would get them, and leaves its model in the process; a `predict` asks that model:

    {"X": …, "y": …, "w": … | null, "train": …, "stop": … | null, "params": {…}, "seed": 7,
     "rounds": 1000, "patience": 50, "threads": 2}
    {"predict": true, "X": …, "rows": 1, "calls": 200, "threads": 2}
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Command = dict[str, Any]
Answer = dict[str, Any]
Predict = Callable[[Any, NDArray[Any]], Any]


def serve(run: Callable[[Command], Answer]) -> None:
    """Answer commands until the input ends."""
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        reset_peak()
        answer = run(json.loads(line))
        print(json.dumps({**answer, "peak_memory_bytes": peak()}), flush=True)


def serve_model(fit: Callable[[Command], tuple[Answer, Any]], predict: Predict) -> None:
    """Answer fits, and predictions of the model that was fitted last."""
    models: list[Any] = []

    def run(command: Command) -> Answer:
        if command.get("predict"):
            return latency(command, lambda X: predict(models[-1], X))
        answer, model = fit(command)
        models[:] = [model]
        return answer

    serve(run)


def latency(command: Command, predict: Callable[[NDArray[Any]], Any]) -> Answer:
    """Median seconds of a call with so many rows, each call with others; the warm-up is not counted."""
    X = loaded(command["X"])
    rows, calls = command["rows"], command["calls"]
    times = []
    for call in range(-5, calls):
        start = (call % 50) * rows
        block = np.array(X[start : start + rows])
        begun = time.perf_counter()
        predict(block)
        times.append(time.perf_counter() - begun)
    return {"seconds": float(np.median(times[5:]))}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds by the clock, and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def loaded(array: str | NDArray[Any]) -> NDArray[Any]:
    """The array of a file, mapped; one in memory as it is."""
    return np.load(array, mmap_mode="r") if isinstance(array, str) else array


def rows_of(X: NDArray[Any], path: str) -> NDArray[Any]:
    """The rows a file names: a view where they are consecutive, as a user's own split would be."""
    rows = np.load(path)
    if bool(np.all(np.diff(rows) == 1)):
        return X[rows[0] : rows[-1] + 1]
    taken: NDArray[Any] = X[rows]
    return taken


def arrays(command: Command) -> dict[str, NDArray[Any] | None]:
    """X, y (0, 1, 2) and w of training and stop rows; what a user has in hand before the call, so it is not timed."""
    X, y = loaded(command["X"]), loaded(command["y"]).astype(np.int32) + 1
    stop = command["stop"]
    return {
        "X": rows_of(X, command["train"]),
        "y": y[np.load(command["train"])],
        "w": None if command["w"] is None else loaded(command["w"]),
        "X_stop": None if stop is None else rows_of(X, stop),
        "y_stop": None if stop is None else y[np.load(stop)],
    }


def reset_peak() -> None:
    """Begin a new high-water mark of resident memory (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak() -> int:
    """Most resident bytes since `reset_peak`; of the process's life where the system cannot say."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
