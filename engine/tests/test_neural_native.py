"""A native file that is not what it says is refused before it costs memory or time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ENGINE, NEURAL, Case, Fit

pytest.importorskip("torch", reason="torch is not installed")

from neural_support import training
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from foldwise_engine.errors import EngineError
from foldwise_engine.jobs import Jobs

SHORT = {"max_epochs": 1, "patience": None}


def refused(fit: Fit, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        fit.predict(fit.case.X[:50], jobs=Jobs())
    assert caught.value.code in ("bad_data", "bad_parameter")


def head_of(path: Path) -> dict[str, Any]:
    with safe_open(path, "np") as file:
        head: dict[str, Any] = json.loads(file.metadata()["foldwise"])
    return head


def rewrite(path: Path, head: dict[str, Any] | None = None, **changes: Any) -> None:
    """Write the file again with another head, or another bias of the network's head (None: without it)."""
    held = load_file(path)
    if "bias" in changes:
        del held["head.bias"]
        held.update({"head.bias": changes["bias"]} if changes["bias"] is not None else {})
    save_file(held, path, metadata={"foldwise": json.dumps(head if head is not None else head_of(path))})


@pytest.mark.parametrize("model", NEURAL)
def test_tensors_that_do_not_fit_the_parameters_are_refused(case: Case, model: str) -> None:
    fit = case.fit(model, training=training(model, **SHORT))
    path = fit.native
    whole = path.read_bytes()
    rewrite(path)
    fit.predict(case.X[:50], jobs=Jobs())
    bias = load_file(path)["head.bias"]
    for harmed in (None, np.zeros(4, np.float32), bias[None]):
        path.write_bytes(whole)
        rewrite(path, bias=harmed)
        refused(fit, "holds other tensors")
    for harmed in (bias.astype(np.float64), bias * np.nan):
        path.write_bytes(whole)
        rewrite(path, bias=harmed)
        refused(fit, "head.bias that are no finite float32")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "gru"}, "holds gru"),
        ({"format": "foldwise-sequence-2"}, "foldwise-sequence-2"),
        ({"classes": 5}, "describes no model"),
        ({"seq_len": 0}, "describes no model"),
        ({"features": 2_000_000_000}, "holds other tensors"),
        ({"params": {"hidden_size": 4096, "num_layers": 16, "dropout": 0.1}}, "holds other tensors"),
        ({"params": {"hidden_size": 10**9}}, "hidden_size"),
        ({"more": 1}, "more"),
    ],
)
def test_a_head_that_promises_something_else_is_refused(case: Case, changes: dict[str, Any], said: str) -> None:
    fit = case.fit("lstm", training=training("lstm", **SHORT))
    path = fit.native
    rewrite(path, {**head_of(path), **changes})
    refused(fit, said)


def test_training_and_reading_a_file_need_no_compiler_of_torchs(case: Case) -> None:
    fits = [case.fit(model, training=training(model, **SHORT)) for model in NEURAL]
    files = {fit.request.model: str(fit.native) for fit in fits}
    code = f"""
import sys
from pathlib import Path
import torch
from foldwise_engine.adapter import load_adapter
from foldwise_engine.neural.adamw import AdamW
weight = torch.nn.Parameter(torch.ones(3))
optimiser = AdamW([weight], 0.1, AdamW.beginning([weight]))
optimiser.step(torch.autograd.grad(weight.sum(), [weight]), 1.0)
for model, file in {files}.items():
    load_adapter(model, None).load(Path(file), 1, "cpu")
assert "sympy" not in sys.modules and "torch._dynamo" not in sys.modules
"""
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, cwd=ENGINE, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95", b"PK\x03\x04" * 40, b"\xff" * 400])
def test_what_is_no_safetensors_file_is_refused(case: Case, content: bytes) -> None:
    fit = case.fit("gru", training=training("gru", **SHORT))
    fit.native.write_bytes(content)
    refused(fit, "cannot be read")
