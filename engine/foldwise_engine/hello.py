"""What this worker has, told without importing any of it unless there is a GPU to ask about."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Literal

from foldwise_engine import __version__
from foldwise_engine.process import cuda_devices, physical_memory
from foldwise_engine.protocol import HelloResult

DISTRIBUTIONS = {
    "numpy": ("numpy",),
    "msgspec": ("msgspec",),
    "scikit-learn": ("scikit-learn",),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "onnx": ("onnx",),
    "onnxmltools": ("onnxmltools",),
    "skl2onnx": ("skl2onnx",),
    "skops": ("skops",),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "torch": ("torch",),
    "safetensors": ("safetensors",),
    "optuna": ("optuna",),
}
"""Name that is told → distributions that provide it, the first found wins."""


def devices(cuda: int) -> list[Literal["cpu", "cuda"]]:
    """CUDA is there when the driver shows a device and the installed XGBoost can use it (xgboost-cpu cannot)."""
    return ["cpu", "cuda"] if cuda > 0 and _xgboost_has_cuda() else ["cpu"]


def _xgboost_has_cuda() -> bool:
    try:
        import xgboost
    except ImportError:
        return False
    return bool(xgboost.build_info().get("USE_CUDA"))


def hello() -> HelloResult:
    """Versions of what is installed, devices, and memory."""
    versions = {"python": platform.python_version(), "foldwise_engine": __version__}
    for name, distributions in DISTRIBUTIONS.items():
        for distribution in distributions:
            try:
                versions[name] = metadata.version(distribution)
                break
            except metadata.PackageNotFoundError:
                continue
    return HelloResult(
        versions=versions,
        devices=devices(cuda_devices()),
        memory_bytes=physical_memory(),
    )
