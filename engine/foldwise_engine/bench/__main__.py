"""`python -m foldwise_engine.bench`: tables on standard error, figures as JSON on standard output."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from foldwise_engine.bench.child import run
from foldwise_engine.bench.data import HORIZON, LENGTHS, PARAMS, SEQUENCE, Task, make_dataset
from foldwise_engine.bench.ours import Fitted
from foldwise_engine.bench.quality import Quality, quality
from foldwise_engine.bench.rate import of_training
from foldwise_engine.process import available_cores

PARTS = ("epochs", "fits", "latency", "quality")

EPOCHS = 4
"""Of a dense fit whose epochs are timed; the first is left out."""


class Epochs(msgspec.Struct):
    """One model: seconds an epoch, training and true-window validation, medians of pairs."""

    model: str
    length: int
    ours: float
    plain: float
    all_ours: list[float]
    all_plain: list[float]
    train_seconds: float
    """Of ours, training alone."""
    rate: float
    """Operations a second of ours while it trains."""
    matrix_rate: float
    """Of a plain matrix product with the same threads, at the same time."""
    peak_memory_bytes: int
    """Most of a process that fitted."""


class Whole(msgspec.Struct):
    """One fit to early stopping."""

    model: str
    seconds: float
    epochs: int
    best_epoch: int
    stop_loss: float
    peak_memory_bytes: int


class Latency(msgspec.Struct):
    """One window through the plain network in torch."""

    model: str
    seconds: float


class Figures(msgspec.Struct):
    """What is printed; null: not measured."""

    train: int
    stop: int
    features: int
    device: str
    threads: int
    epochs: list[Epochs] | None = None
    fits: list[Whole] | None = None
    quality: list[Quality] | None = None
    latency: list[Latency] | None = None


def main() -> int:
    """Measure what was asked for."""
    asked = _arguments()
    models: list[str] = asked.models
    train, stop, features = (2_000, 500, 20) if asked.small else (73_000, 7_800, 180)
    figures = Figures(train, stop, features, asked.device, asked.threads)
    parts: list[str] = asked.parts
    with tempfile.TemporaryDirectory() as name:
        dataset = asked.dataset or str(make_dataset(Path(name), train + stop + 100, features, 0))

        def task(model: str, **changes: object) -> Task:
            base = {
                "what": "ours",
                "model": model,
                "params": PARAMS[model],
                "length": LENGTHS[model],
                "dataset": dataset,
                "horizon": HORIZON,
                "train": train,
                "stop": stop,
                "device": asked.device,
                "threads": asked.threads,
                "seed": 7,
            }
            return msgspec.convert({**base, **changes}, Task)

        if "epochs" in parts:
            figures.epochs = []
            for model in models:
                figures.epochs.append(_epochs(task, model, asked.pairs, asked.share))
        if "fits" in parts:
            figures.fits = []
            for model in models:
                fitted = run(task(model), Fitted)
                whole = Whole(
                    model,
                    fitted.fit_seconds,
                    fitted.epochs,
                    fitted.best_epoch,
                    fitted.stop_loss,
                    fitted.peak_memory_bytes,
                )
                _tell(f"{model}: whole fit {whole.seconds:.1f} s, {whole.epochs} epochs, best {whole.best_epoch}")
                figures.fits.append(whole)
        if "latency" in parts:
            figures.latency = [Latency(model, run(task(model, what="latency"), float)) for model in models]
    if "quality" in parts:
        rows = 1_500 if asked.small else 12_000
        figures.quality = list(quality(models, asked.seeds, rows, asked.threads, asked.device, _tell))
    sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    return 0


def _epochs(task: Callable[..., Task], model: str, pairs: int, share: float) -> Epochs:
    """Interleaved, each side first in turn."""
    ours: list[Fitted] = []
    plain: list[float] = []
    rates: list[float] = []
    one = {"training": {"max_epochs": EPOCHS, "patience": None}}
    for pair in range(pairs):
        if pair % 2 == 0:
            ours.append(run(task(model, **one), Fitted))
        plain.append(run(task(model, what="plain", share=share), float))
        rates.append(run(task(model, what="rate"), float))
        if pair % 2 == 1:
            ours.append(run(task(model, **one), Fitted))
        _tell(f"{model}: ours {ours[-1].epoch_seconds:.2f} s, plain {plain[-1]:.1f} s an epoch")
    train_seconds = statistics.median(fit.train_seconds for fit in ours)
    return Epochs(
        model=model,
        length=LENGTHS[model],
        ours=statistics.median(fit.epoch_seconds for fit in ours),
        plain=statistics.median(plain),
        all_ours=[fit.epoch_seconds for fit in ours],
        all_plain=plain,
        train_seconds=train_seconds,
        rate=of_training(ours[0].parameters, ours[0].bars, train_seconds),
        matrix_rate=statistics.median(rates),
        peak_memory_bytes=max(fit.peak_memory_bytes for fit in ours),
    )


def _tell(line: str) -> None:
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m foldwise_engine.bench",
        description="Sequence models: dense training beside a plain windowed loop of the same sizes, in the same run.",
        epilog="Example: python -m foldwise_engine.bench --parts epochs,fits --device cuda > figures.json",
    )
    parser.add_argument(
        "--parts", type=_among(PARTS), default=["epochs"], help=f"among {', '.join(PARTS)} (default: epochs)"
    )
    parser.add_argument("--models", type=_among(SEQUENCE), default=list(SEQUENCE), help="default: all four")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=_count, default=available_cores())
    parser.add_argument("--pairs", type=_count, default=3, help="of epochs (default: 3)")
    parser.add_argument("--share", type=_share, default=1.0, help="of a plain epoch that is measured (default: 1)")
    parser.add_argument("--seeds", type=_count, default=5, help="of quality (default: 5)")
    parser.add_argument("--dataset", help="a folder with X.npy and y_h20.npy; default: made up, 180 columns")
    parser.add_argument("--small", action="store_true", help="2 000 rows of 20 columns, to try it")
    asked = parser.parse_args()
    missing = [
        name for name in ("X.npy", f"y_h{HORIZON}.npy") if asked.dataset and not (Path(asked.dataset) / name).is_file()
    ]
    if missing:
        parser.error(f"--dataset {asked.dataset} has no {' and no '.join(missing)}")
    return asked


def _among(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        asked = text.split(",")
        for name in asked:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is not among {', '.join(known)}")
        return [name for name in known if name in asked]

    return names


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and at most 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
