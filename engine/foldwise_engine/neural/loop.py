"""One training loop for all sequence models.

AdamW (Loshchilov and Hutter, 2019) on the weighted cross-entropy; stopped early by the unweighted log-loss of what is
served, on true windows of the stop rows. Everything random in an epoch follows from the seed and the epoch's number, so a
fit that goes on from a checkpoint does what an unbroken one would have done.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import cos, isfinite, pi
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from foldwise_engine.adapter import FitTask
from foldwise_engine.data import Floats
from foldwise_engine.errors import EngineError
from foldwise_engine.neural import checkpoint
from foldwise_engine.neural.answers import Answers
from foldwise_engine.neural.networks import Network
from foldwise_engine.neural.segments import Batch, Segments, WindowBatches, gathered
from foldwise_engine.neural.settings import Training

PLATEAU = 5
"""Epochs without a better loss after which the learning rate is halved."""

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Trained:
    """The network holds the best epoch's weights."""

    best_epoch: int
    epochs: int
    resumed_from: int
    batch_size: int


class Loop:
    """One fit."""

    def __init__(self, task: FitTask, network: Network, name: str, training: Training, precision: Precision) -> None:
        windows = task.data.windows
        if windows is None:
            raise EngineError("bad_request", f"{name} is fitted on windows; the request names none.")
        self._task, self._network, self._training, self._precision = task, network, training, precision
        self._windows = windows
        self._device = torch.device(task.device)
        self._optimiser = torch.optim.AdamW(network.parameters(), lr=training.lr, weight_decay=training.weight_decay)
        self._digest = checkpoint.digest_of(task, name)
        self._batch_size = training.batch_size
        self._answers = Answers(network, windows, task.class_scale, task.check)
        y = task.data.y.astype(np.int64)
        weights = np.ones(len(y), np.float32) if task.data.weights is None else task.data.weights
        self._y, self._w = torch.from_numpy(y).to(self._device), torch.from_numpy(weights).to(self._device)

    def run(self) -> Trained:
        """Train until patience, `max_epochs` or a cancel ends it."""
        training, task = self._training, self._task
        state = checkpoint.State(
            digest=self._digest,
            epoch=0,
            best_epoch=0,
            best_loss=float("inf"),
            lr=training.lr,
            waited=0,
            precision=self._precision,
            batch_size=self._batch_size,
        )
        best = self._weights()
        folder = task.checkpoint
        found = None if folder is None else checkpoint.load(folder, self._digest)
        if found is not None:
            state, tensors = found
            self._load({name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")})
            best = {name[5:]: tensor for name, tensor in tensors.items() if name.startswith("best.")}
            checkpoint.restore_optimiser(self._optimiser, tensors)
            self._batch_size = state.batch_size
        resumed = state.epoch
        while state.epoch < training.max_epochs and not self._over(state):
            epoch = state.epoch + 1
            lr = self._rate(state, epoch)
            start = time.perf_counter()
            train_loss, samples = self._epoch(epoch, lr)
            seconds = time.perf_counter() - start
            stop_loss = self._answers.stop_loss(task.data)
            self._refuse_nan(epoch, lr, train_loss, stop_loss)
            state.epoch, state.batch_size = epoch, self._batch_size
            # Without stop rows the last epoch is the best: nothing says otherwise.
            if stop_loss is None or stop_loss < state.best_loss:
                state.best_epoch, state.best_loss, state.waited = epoch, stop_loss or 0.0, 0
                best = self._weights()
                if stop_loss is None:
                    state.best_loss = float("inf")
            else:
                state.waited += 1
                if training.lr_schedule == "plateau" and state.waited % PLATEAU == 0:
                    state.lr /= 2
            if folder is not None:
                self._save(folder, state, best)
            metrics = {"train_loss": train_loss, "lr": lr, "samples_per_second": samples / max(seconds, 1e-9)}
            task.progress(epoch, training.max_epochs, metrics if stop_loss is None else {**metrics, "stop_loss": stop_loss})
        self._load(best)
        return Trained(state.best_epoch, state.epoch, resumed, self._batch_size)

    def _over(self, state: checkpoint.State) -> bool:
        patience = self._training.patience
        return patience is not None and self._task.data.stop is not None and state.epoch - state.best_epoch >= patience

    def _rate(self, state: checkpoint.State, epoch: int) -> float:
        if self._training.lr_schedule != "cosine":
            return state.lr
        return self._training.lr * (1 + cos(pi * (epoch - 1) / self._training.max_epochs)) / 2

    def _epoch(self, epoch: int, lr: float) -> tuple[float, int]:
        """The weighted mean loss and how many answers it is of."""
        seed = int(np.random.SeedSequence([self._task.seed, epoch]).generate_state(1)[0])
        for group in self._optimiser.param_groups:
            group["lr"] = lr
        while True:
            torch.manual_seed(seed)
            kept = self._weights(), self._optimiser.state_dict()
            try:
                return self._steps(np.random.default_rng(seed))
            except torch.OutOfMemoryError as error:
                self._halve(error)
                self._load(kept[0])
                self._optimiser.load_state_dict(kept[1])

    def _halve(self, error: Exception) -> None:
        """Once; then the error stands."""
        if self._batch_size < self._training.batch_size or self._batch_size == 1:
            remedy = "Set a smaller training.batch_size, seq_len or model, or use --device cpu."
            raise EngineError("out_of_memory", f"The GPU has too little memory for a step: {error}", remedy) from error
        self._batch_size //= 2
        torch.cuda.empty_cache()
        self._task.warn(f"The GPU's memory did not hold a step: batch_size was halved to {self._batch_size}.")

    def _steps(self, rng: np.random.Generator) -> tuple[float, int]:
        task, network, clip = self._task, self._network, self._training.grad_clip
        dense = self._training.mode == "dense"
        total = weight = samples = 0.0
        network.train()
        for batch in self._batches().epoch(rng):
            task.check()
            x, positions = self._to_device(batch)
            asked = positions >= 0
            with self._autocast():
                logits = network.dense(x) if dense else network.window(x)[:, None]
            own = positions[asked]
            losses = functional.cross_entropy(logits[asked].float(), self._y[own], reduction="none")
            w = self._w[own]
            loss = (losses * w).sum() / w.sum()
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            self._optimiser.step()
            total += float((losses.detach() * w).sum())
            weight += float(w.sum())
            samples += len(own)
        return total / weight, int(samples)

    def _batches(self) -> Segments | WindowBatches:
        windows, rows, size = self._windows, self._task.data.train.rows, self._batch_size
        if self._training.mode == "windowed":
            return WindowBatches(windows, rows, size)
        answers = min(segment_answers(self._network), size)
        return Segments(windows, rows, answers, max(1, size // answers))

    def _to_device(self, batch: Batch) -> tuple[Tensor, Tensor]:
        X: Floats = gathered(self._task.data.train.X, batch.rows)
        return torch.from_numpy(X).to(self._device), torch.from_numpy(batch.positions).to(self._device)

    def _autocast(self) -> AbstractContextManager[object]:
        if self._precision == "fp32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=torch.bfloat16)

    def _refuse_nan(self, epoch: int, lr: float, *losses: float | None) -> None:
        if all(loss is None or isfinite(loss) for loss in losses):
            return
        raise EngineError(
            "diverged",
            f"The loss is no number any more in epoch {epoch}, at learning rate {lr:g}.",
            "Use a smaller training.lr or training.grad_clip; the checkpoint of the epoch before is kept.",
        )

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}

    def _load(self, tensors: dict[str, Tensor]) -> None:
        self._network.load_state_dict(tensors)

    def _save(self, folder: Path, state: checkpoint.State, best: dict[str, Tensor]) -> None:
        tensors = {f"model.{name}": tensor for name, tensor in self._network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
        checkpoint.save(folder, state, tensors | checkpoint.optimiser_tensors(self._optimiser))


def segment_answers(network: Network) -> int:
    """S: long segments repeat fewer bars, but a recurrent network steps through them one after the other."""
    return max(16, 2 * network.seq_len) if network.exact else max(16, network.seq_len)
