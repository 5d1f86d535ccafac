"""The one training loop: AdamW on weighted cross-entropy, stopped by the log-loss of true windows.

All chance of an epoch comes of (seed, epoch) alone: order, phase and dropout. A fit that goes on from a checkpoint after
epoch k therefore needs no state of a generator to end as an unbroken one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from foldwise_engine.data import Floats, Rows
from foldwise_engine.errors import EngineError
from foldwise_engine.neural.adamw import AdamW
from foldwise_engine.neural.answer import answer_rows, log_loss
from foldwise_engine.neural.bars import Bars
from foldwise_engine.neural.checkpoint import Checkpoint, Progress, Snapshot, Weights
from foldwise_engine.neural.dropout import drawn_from
from foldwise_engine.neural.network import SequenceNetwork
from foldwise_engine.neural.options import Training
from foldwise_engine.neural.parts import PARTS, SideBySide, divided
from foldwise_engine.neural.plan import Plan, Step

PLATEAU = 10
"""Epochs without a better log-loss after which `plateau` halves the learning rate."""


@dataclass(frozen=True)
class Job:
    """What the loop works on."""

    network: SequenceNetwork
    bars: Bars
    plan: Plan
    y: NDArray[np.int32]
    """(n,) class codes of the training rows."""
    weights: Floats | None
    stop: tuple[Rows, NDArray[np.int32]] | None
    """End rows and class codes."""
    log_scale: Floats
    """(K,) added to the logits of the stop rows: what is served is decided on."""
    training: Training
    seed: int
    threads: int
    precision: Literal["fp32", "bf16"]
    begin: Snapshot
    """Where to go on from."""
    checkpoint: Checkpoint | None
    check: Callable[[], None]
    progress: Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Outcome:
    """How it went; the network holds the best weights."""

    best_epoch: int
    total_epochs: int
    early_stopped: bool
    resumed_from: int


def train(job: Job) -> Outcome:
    """Train to the end; raises `diverged` when a loss is no number any more, and what `check` raises."""
    options, network = job.training, job.network
    state, best = job.begin.progress, dict(job.begin.best)
    network.load_state_dict(job.begin.weights)
    optimiser = AdamW(network.parameters(), options.weight_decay, job.begin.moments)
    resumed_from = state.epoch
    while not _ended(state, options, job.stop is not None):
        job.check()
        state, better = _epoch(job, optimiser, state)
        if better:
            best = copied(network)
        if job.checkpoint is not None:
            job.checkpoint.write(Snapshot(state, network.state_dict(), best, optimiser.moments()))
    network.load_state_dict(best)
    return Outcome(
        best_epoch=state.best_epoch,
        total_epochs=state.epoch,
        early_stopped=state.epoch < options.max_epochs,
        resumed_from=resumed_from,
    )


def beginning(network: SequenceNetwork, training: Training) -> Snapshot:
    """Before the first epoch: AdamW's moments are zero."""
    progress = Progress(batch_size=training.batch_size, lr=training.lr)
    return Snapshot(progress, copied(network), copied(network), AdamW.beginning(network.parameters()))


def _ended(state: Progress, options: Training, watched: bool) -> bool:
    patient = not watched or options.patience is None or state.epoch - state.best_epoch < options.patience
    return state.epoch >= options.max_epochs or not patient


def _epoch(job: Job, optimiser: AdamW, before: Progress) -> tuple[Progress, bool]:
    """One epoch: (how it stands after, whether these weights are the best)."""
    options, epoch = job.training, before.epoch + 1
    lr = optimiser.lr = _rate(options, before)
    start = time.perf_counter()
    train_loss = _steps(job, optimiser, epoch)
    seconds = time.perf_counter() - start
    finite = math.isfinite(train_loss) and all(bool(p.isfinite().all()) for p in job.network.parameters())
    stop_loss = None
    if job.stop is not None and finite:
        ends, y = job.stop
        stop_loss = log_loss(answer_rows(job.network, job.bars, ends, job.check, job.threads) + job.log_scale, y)
        finite = math.isfinite(stop_loss)
    if not finite:
        raise EngineError(
            "diverged",
            f"The loss was no number any more in epoch {epoch}, at a learning rate of {lr:g}.",
            "Use a smaller training.lr, or a smaller training.grad_clip; if it stays, look for extreme feature values.",
        )
    metrics = {"train_loss": train_loss, "lr": lr, "samples_per_second": len(job.y) / max(seconds, 1e-9)}
    if stop_loss is not None:
        metrics["stop_loss"] = stop_loss
    job.progress(epoch, options.max_epochs, metrics)
    better = stop_loss is None or before.best_loss is None or stop_loss < before.best_loss
    stale = 0 if better else before.stale + 1
    after = Progress(
        batch_size=before.batch_size,
        lr=before.lr / 2 if stale == PLATEAU else before.lr,
        epoch=epoch,
        best_epoch=epoch if better else before.best_epoch,
        best_loss=stop_loss if better else before.best_loss,
        stale=stale % PLATEAU,
    )
    return after, better


def _rate(options: Training, state: Progress) -> float:
    if options.lr_schedule == "plateau":
        return state.lr
    if options.lr_schedule == "cosine":
        return options.lr * (1 + math.cos(math.pi * state.epoch / options.max_epochs)) / 2
    return options.lr


def _steps(job: Job, optimiser: AdamW, epoch: int) -> float:
    """All steps of an epoch; the mean loss of its training rows, weighted."""
    network, bars = job.network, job.bars
    parts = network.parts if bars.device.type == "cpu" else 1
    random = np.random.default_rng([job.seed, epoch])
    torch.manual_seed(int(random.integers(2**63)))
    chances = [torch.Generator().manual_seed(int(each)) for each in random.integers(2**63, size=PARTS)]
    y = bars.tensor(job.y.astype(np.int64))
    weights = None if job.weights is None else bars.tensor(np.array(job.weights))
    losses, weighed = torch.zeros((), device=bars.device), 0.0
    network.train()

    def part_of(step: Step, chance: torch.Generator, share: float) -> Callable[[], tuple[Tensor, tuple[Tensor, ...]]]:
        """Its part of the step's mean loss, and of that one's gradients."""

        def work() -> tuple[Tensor, tuple[Tensor, ...]]:
            labelled = bars.tensor(step.labelled)
            with drawn_from(chance), _autocast(job):
                logits = network.segments(bars.take(step.bars), step.answers).float()
                picked = logits.reshape(-1, logits.shape[-1]).index_select(0, bars.tensor(step.picked))
            loss = functional.cross_entropy(picked, y[labelled], reduction="none")
            mean = (loss if weights is None else weights[labelled] * loss).sum() / share
            return mean.detach(), torch.autograd.grad(mean, optimiser.parameters, materialize_grads=True)

        return work

    with SideBySide(job.threads if parts > 1 else 1) as together:
        for step in job.plan.epoch(random):
            job.check()
            share = float(len(step.labelled) if job.weights is None else np.sum(job.weights[step.labelled]))
            steps = divided(step, parts)
            threads = network.step_threads(len(steps[0].bars), step.bars.shape[1], max(1, job.threads // len(steps)))
            work = [part_of(part, chance, share) for part, chance in zip(steps, chances, strict=False)]
            (mean, gradients), *others = together.run(work, threads)
            for other in others:
                mean += other[0]
                torch._foreach_add_(gradients, other[1])
            optimiser.step(gradients, job.training.grad_clip)
            del gradients, others  # or they would live beside the next step's
            losses += mean * share
            weighed += share
    return float(losses) / weighed


def _autocast(job: Job) -> AbstractContextManager[object]:
    if job.precision == "fp32":
        return nullcontext()
    return torch.autocast(job.bars.device.type, dtype=torch.bfloat16)


def copied(network: SequenceNetwork) -> Weights:
    """Its weights as they are now."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
