"""skops.io, imported without torch.

skops lists scikit-learn's estimators by importing all of its modules. One of those imports torch where it is installed, two
seconds and 0.3 GB in a worker that has no use for it; another imports pytest. While that goes on they are not found.
"""

from __future__ import annotations

from foldwise_engine.lean import without

with without("pandas", "pytest", "torch"):
    from skops import io as skops_io

__all__ = ["skops_io"]
