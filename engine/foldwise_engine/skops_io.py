"""skops.io, imported without torch.

skops lists scikit-learn's estimators by importing all of its modules, and one of those imports torch where it is installed:
two seconds and 0.3 GB in a worker that has no use for it. While that goes on torch counts as not installed.
"""

from __future__ import annotations

import sys
from types import ModuleType


def _without(name: str, module: str) -> ModuleType:
    import importlib

    if name in sys.modules:
        return importlib.import_module(module)
    sys.modules[name] = None  # type: ignore[assignment]  # what import takes for "there is none"
    try:
        return importlib.import_module(module)
    finally:
        del sys.modules[name]


skops_io = _without("torch", "skops.io")
