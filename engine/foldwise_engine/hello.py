"""What this worker has, told without importing any of it unless there is a GPU to ask about."""

from __future__ import annotations

import platform
import re
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from foldwise_engine import __version__
from foldwise_engine.process import cuda_computes_in_bf16, cuda_devices, physical_memory
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


def cuda_engines(devices: int) -> dict[str, bool]:
    """Which engines can use the CUDA devices that the driver shows; nothing where it shows none."""
    if devices == 0:
        return {}
    return {"xgboost": _xgboost_has_cuda(), "catboost": _catboost_has_cuda(), "torch": _torch_has_cuda()}


def _xgboost_has_cuda() -> bool:
    from foldwise_engine.lean import ENGINES

    try:
        with ENGINES.importing("xgboost"):
            import xgboost
    except ImportError:
        return False
    return bool(xgboost.build_info().get("USE_CUDA"))


def _catboost_has_cuda() -> bool:
    """Its wheels have it everywhere but on macOS."""
    return sys.platform != "darwin" and find_spec("catboost") is not None


def _torch_has_cuda() -> bool:
    """By what its version file says: importing it takes seconds."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        version = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^cuda\b[^=\n]*= *['\"]", version, re.MULTILINE) is not None


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
    cuda = cuda_engines(cuda_devices())
    return HelloResult(
        versions=versions,
        devices=["cpu", "cuda"] if any(cuda.values()) else ["cpu"],
        cuda=cuda,
        bf16=cuda_computes_in_bf16(),
        memory_bytes=physical_memory(),
    )
