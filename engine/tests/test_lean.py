"""Engines imported without what they do not need here, and plug-ins that need it all the same."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import ENGINE, HAS_TORCH, Case, TalkingWorker

from foldwise_engine.lean import without
from foldwise_engine.protocol import ExportRequest, ExportResult, FitResult, PredictRequest, PredictResult

WHOLE = """
import sys; sys.path.insert(0, {here!r})
import lightgbm, numpy as np, pandas, xgboost
from plugin_stub import Prior

class Whole(Prior):
    def fit(self, task):
        X = pandas.DataFrame(np.arange(200.0).reshape(100, 2), columns=["a", "b"])
        y = np.arange(100) // 50
        for kind in (lightgbm.LGBMClassifier, xgboost.XGBClassifier):
            assert (kind(n_estimators=3).fit(X, y).predict(X) == y).mean() > 0.9
        return super().fit(task)

ADAPTER = Whole()
"""


NEURAL = pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed")


@pytest.mark.parametrize(
    ("models", "kept_out"),
    [
        (("lightgbm", "xgboost"), ("sklearn", "pandas", "skops", "onnxmltools")),
        (("random_forest", "logistic", "svm"), ("pandas", "pytest", "torch")),
        pytest.param(("gru",), ("sklearn", "pandas", "skops", "onnxmltools"), marks=NEURAL),
    ],
)
def test_engines_come_without_those_they_do_not_use(models: tuple[str, ...], kept_out: tuple[str, ...]) -> None:
    code = (
        "import sys; from foldwise_engine.adapter import load_adapter; import foldwise_engine.jobs\n"
        f"for model in {models!r}:\n"
        "    load_adapter(model, None)\n"
        f"    print(model, [name for name in {kept_out!r} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ENGINE)}, capture_output=True, check=True, text=True
    )
    assert run.stdout.splitlines() == [f"{model} []" for model in models]


def test_a_plug_in_finds_whole_what_a_built_in_model_has_imported_lean(worker: TalkingWorker, case: Case) -> None:
    fits = [case.request(model) for model in ("lightgbm", "xgboost")]
    for fit in fits:
        assert isinstance(worker.ask(fit), FitResult)
    path = case.folder / "whole.py"
    path.write_text(WHOLE.replace("{here!r}", repr(str(Path(__file__).parent))))
    assert isinstance(worker.ask(case.request("whole", adapter=str(path))), FitResult)
    for fit in fits:
        out = Path(fit.out)
        export = ExportRequest(
            id=f"e{fit.id}",
            model=fit.model,
            adapter=None,
            model_dir=fit.out,
            out=str(out / "model.onnx"),
            class_scale=None,
        )
        assert isinstance(worker.ask(export), ExportResult)
        predict = PredictRequest(
            id=f"p{fit.id}",
            model=fit.model,
            adapter=None,
            model_dir=fit.out,
            x=str(case.folder / "X.npy"),
            rows=None,
            out=str(out / "p.npy"),
            threads=1,
            device="cpu",
        )
        assert isinstance(worker.ask(predict), PredictResult)
        again = case.request(fit.model)
        assert isinstance(worker.ask(again), FitResult)
        assert (Path(again.out) / "p_train.npy").read_bytes() == (out / "p_train.npy").read_bytes()


def test_a_package_is_hidden_from_the_importing_thread_only() -> None:
    for name in ("stringprep", "nturl2path"):
        sys.modules.pop(name, None)
    found: list[str] = []
    with without("stringprep", "nturl2path"):
        thread = threading.Thread(target=lambda: found.append(importlib.import_module("stringprep").__name__))
        thread.start()
        thread.join()
        with pytest.raises(ModuleNotFoundError, match="kept out"):
            importlib.import_module("nturl2path")
    assert found == ["stringprep"]
    importlib.import_module("nturl2path")
