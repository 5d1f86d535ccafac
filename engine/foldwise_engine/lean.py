"""Engines imported without the optional packages that their wrappers ask for.

LightGBM and XGBoost bring classes in scikit-learn's manner, and for them import scikit-learn, SciPy's statistics and pandas:
three quarters of their start, in a worker that calls neither. While such an engine is imported these count as not installed,
for the importing thread only.

scikit-learn looks at its start whether there is a pandas, a quarter of that start, and again where it is given a frame. So
our adapters import it without, and a plug-in misses nothing.

Of LightGBM and XGBoost a plug-in may want the rest: with the first one a worker forgets what it imported so, and imports all
of it from then on.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_DEPENDENT = ("foldwise_engine.models.lightgbm", "foldwise_engine.models.xgboost", "onnxmltools")
"""What holds on to a lean engine."""


class _Hide:
    """A finder of modules that says of some packages that there are none, and nothing of the others."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages
        self._thread = threading.get_ident()

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:  # noqa: ARG002
        """Raise what `import` raises for a package that is not installed."""
        if threading.get_ident() == self._thread and fullname.partition(".")[0] in self._packages:
            raise ModuleNotFoundError(f"No module named {fullname!r}: it is kept out of this import", name=fullname)


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Imports inside of it do not find these packages, unless they were imported before."""
    hide = _Hide(packages)
    sys.meta_path.insert(0, hide)
    try:
        yield
    finally:
        sys.meta_path.remove(hide)


class LeanEngines:
    """Which engines this process has imported without their optional packages."""

    def __init__(self) -> None:
        self._lean: set[str] = set()
        self._whole = False

    @contextmanager
    def importing(self, engine: str) -> Iterator[None]:
        """Import `engine` inside of it, alone: its optional packages stay out."""
        if self._whole or engine in sys.modules:
            yield
            return
        with without("sklearn", "pandas"):
            yield
        self._lean.add(engine)

    def make_whole(self) -> bool:
        """From now on import engines with all that they ask for; answers whether some were forgotten for it."""
        self._whole = True
        if not self._lean:
            return False
        dropped = (*self._lean, *_DEPENDENT)
        inside = tuple(f"{name}." for name in dropped)
        for name in list(sys.modules):
            if name in dropped or name.startswith(inside):
                del sys.modules[name]
        self._lean.clear()
        return True


ENGINES = LeanEngines()
