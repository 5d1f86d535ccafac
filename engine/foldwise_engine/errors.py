"""What can go wrong in a worker, as the protocol names it."""

from __future__ import annotations

import errno
import re
import traceback
from typing import Literal

from foldwise_engine.protocol import FailedEvent

Code = Literal[
    "cancelled",
    "bad_request",
    "bad_parameter",
    "bad_data",
    "engine_missing",
    "out_of_memory",
    "device",
    "diverged",
    "bad_study",
    "other_optuna",
    "study_locked",
    "internal",
]

INSTALL = "Run `foldwise doctor --install`."
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CUT_SHORT = re.compile(r"^\d+ requested and \d+ written$|FileStream\.Write incomplete|No space left on device", re.I)
"""NumPy's own writer and XGBoost's say that they could not write all, but not why; there is hardly another reason."""
NO_MEMORY = re.compile(
    r"bad_?m?alloc|bad allocation|out of memory|(unable|failed) to allocate|could not allocate"
    r"|cannot allocate memory(?! in static TLS)|failed to map segment",
    re.I,
)
"""What NumPy, the engines and the loader of libraries say when an allocation fails, whatever their exception is."""


class EngineError(Exception):
    """A failure with a stable code: what was got, what is allowed, what to do."""

    def __init__(self, code: Code, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.remedy = remedy


class Cancelled(EngineError):
    """Raised inside a job whose caller no longer wants it."""

    def __init__(self) -> None:
        super().__init__("cancelled", "The job was cancelled.")


def failure(request_id: str | None, error: BaseException) -> FailedEvent:
    """The event that tells of `error`; the traceback is for logs, never for the user's first sight."""
    typed = classify(error)
    return FailedEvent(
        id=request_id,
        code=typed.code,
        message=str(typed),
        remedy=typed.remedy,
        traceback=None if isinstance(error, Cancelled) else "".join(traceback.format_exception(error)),
    )


def classify(error: BaseException) -> EngineError:
    """Give any exception a code, a message of one line and, where there is one, a remedy."""
    text = str(error)
    if isinstance(error, EngineError):
        return error
    starved = _starved(error)
    if starved is not None:
        return starved
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        return EngineError("engine_missing", f"The Python package {error.name} is not installed.", INSTALL)
    if isinstance(error, ImportError):
        return EngineError("engine_missing", f"A Python package does not load: {_first_line(text)}", INSTALL)
    if (isinstance(error, OSError) and error.errno in DISK_FULL) or CUT_SHORT.search(text):
        return EngineError("internal", f"The disk is full: {_first_line(text)}", "Free space and run again.")
    if type(error).__name__ == "XGBoostError":
        return _of_xgboost(text)
    if type(error).__name__ == "CatBoostError":
        return _of_catboost(text)
    if type(error).__name__ == "InvalidParameterError":
        return EngineError("bad_parameter", _first_line(text), "Correct the model's parameters.")
    return EngineError("internal", f"{type(error).__name__}: {_first_line(text)}")


def _starved(error: BaseException) -> EngineError | None:
    """Memory ran out, here or in what this exception came of: cleaning up after it often fails in another way.

    Without a remedy: the caller knows the limits and what the job could do with less of.
    """
    seen: BaseException | None = error
    while seen is not None:
        text = str(seen)
        told = NO_MEMORY.search(text)
        if told is None and not isinstance(seen, MemoryError):
            seen = seen.__cause__ or seen.__context__
            continue
        said = next((line.strip() for line in text.splitlines() if NO_MEMORY.search(line)), _first_line(text))
        said = _without_place(said)
        if re.search(r"cuda|gpu|nccl", text, re.I):
            return EngineError("out_of_memory", f"The GPU ran out of memory: {said}", "Run with --device cpu.")
        return EngineError("out_of_memory", f"The engine ran out of memory{f': {said}' if said else ''}".rstrip("."))
    return None


def _of_xgboost(text: str) -> EngineError:
    """XGBoost has one exception type and a C++ stack in its message; the sentence is what stands before that."""
    said = _without_place(text.split("Stack trace:")[0].strip()).replace("\n", " ")
    if re.search(r"contains `?inf|missing.*inf", said, re.I):
        return EngineError("bad_data", said, "Remove infinite feature values.")
    if re.search(r"cuda|gpu|nccl", said, re.I):
        return EngineError("device", said, "Run with --device cpu.")
    if re.search(r"parameter|parsed|Invalid|exceed bound|should be|must be|Unknown|Expect", said):
        return EngineError("bad_parameter", said, "Correct model_params in the model's YAML or --set.")
    return EngineError("internal", said)


def _without_place(text: str) -> str:
    """Without the time and the place in its source that XGBoost puts before a sentence."""
    return re.sub(r"^\[\d\d:\d\d:\d\d\] \S+: ", "", text).strip()


def _of_catboost(text: str) -> EngineError:
    """CatBoost has one exception type, and names the place in its source before the sentence."""
    said = _first_line(re.sub(r"^(?:\S*\s?error\S*: )?\S+\.(?:cpp|h|cu|cuh):\d+: ", "", text.strip()))
    if re.search(r"cuda|gpu", said, re.I):
        return EngineError("device", said, "Run with --device cpu.")
    if re.search(r"parameter|option|should be|must be|allowed|support|invalid|unknown|bootstrap", said, re.I):
        return EngineError("bad_parameter", said, "Correct model_params in the model's YAML or --set.")
    if re.search(r"constant or ignored", said):
        return EngineError("bad_data", said, "Use features that vary over the training rows.")
    return EngineError("internal", said)


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
