"""The tuner's part of the protocol; `src/engine/tunerProtocol.ts` holds the same unions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from foldwise_engine.fields import Count, Id, Integer, Json, Positive, Strict, Text

Scalar = str | int | float | bool | None
"""A parameter's value; of a choice, any of them."""


class Condition(Strict):
    """The dimension is drawn only where the one named `name`, which stands before it, has one of `values`."""

    name: Text
    values: list[Scalar]


class _Dimension(Strict, tag_field="type"):
    name: Text
    when: Condition | None


class FloatDimension(_Dimension, tag="float"):
    """A real number from `low` to `high`."""

    low: float
    high: float
    log: bool


class IntDimension(_Dimension, tag="int"):
    """A whole number from `low` to `high` in steps of `step`, which is 1 where `log` holds."""

    low: Integer
    high: Integer
    log: bool
    step: Positive


class CategoricalDimension(_Dimension, tag="categorical"):
    """One of `choices`."""

    choices: Annotated[list[Scalar], msgspec.Meta(min_length=1)]


Dimension = FloatDimension | IntDimension | CategoricalDimension


class NoPruner(Strict, tag_field="kind", tag="none"):
    """Every trial runs to its end."""


class RacePruner(Strict, tag_field="kind", tag="race"):
    """Prunes by what whole folds come to: a trial goes on while it is among the best of the completed ones."""

    startup: Count
    """Completed trials before anything is pruned."""
    quantile: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    """Of the completed trials' values, best first: the worst with which a trial goes on."""
    rows: Annotated[list[Positive], msgspec.Meta(min_length=1)]
    """Of each fold, in the order of their steps: its weight in a mean."""


class MedianPruner(Strict, tag_field="kind", tag="median"):
    """Prunes what is worse than the median of the completed trials at the same step."""

    startup: Count
    """Completed trials before anything is pruned."""
    warmup: Count
    """Rounds of a fold within which nothing is pruned."""


class HyperbandPruner(Strict, tag_field="kind", tag="hyperband"):
    """Successive halving in brackets; resources are steps."""

    min_resource: Positive
    max_resource: Positive
    reduction: Annotated[int, msgspec.Meta(ge=2, le=2**53 - 1)]


Pruner = NoPruner | RacePruner | MedianPruner | HyperbandPruner


class StudySpec(Strict):
    """All that a worker needs to open a study."""

    file: Text
    """SQLite, in Optuna's schema."""
    name: Text
    direction: Literal["minimize", "maximize"]
    space: list[Dimension]
    """In the order in which they are drawn."""
    pruner: Pruner
    steps_per_fold: Positive
    """A step is fold x steps_per_fold + round, round 1 to steps_per_fold; that of the last holds what the fold came to."""


class Sampler(Strict):
    """Optuna's sampler; a trial's own seed comes of this one and of its slot."""

    kind: Literal["tpe", "random", "qmc"]
    seed: Count
    constant_liar: bool


class TunerRequest(Strict, tag_field="type", tag="tuner"):
    """Imports Optuna, so that the first study need not wait for it."""

    id: Id


class StudyRequest(Strict, tag_field="type", tag="study"):
    """Opens the study, or makes it with the attributes `attrs` where there is none; writes its trials to `out`."""

    id: Id
    study: StudySpec
    attrs: Json
    out: Text


class AskRequest(Strict, tag_field="type", tag="ask"):
    """The next trial, unless `target` slots have been given; slot 0 has the parameters `defaults`.

    Asked again with the same `token`, a trial that still runs is answered again.
    """

    id: Id
    study: StudySpec
    sampler: Sampler
    target: Positive
    defaults: Json
    token: Id
    owner: Json


class ReportRequest(Strict, tag_field="type", tag="report"):
    """Intermediate values of a running trial, [step, value] in the order in which they came."""

    id: Id
    study: StudySpec
    trial: Count
    values: list[tuple[Positive, float]]
    judge_from: Count | None
    """So many of them were spared when they came, and are only kept. None: all are."""


class TellRequest(Strict, tag_field="type", tag="tell"):
    """How a trial ended; `value` is that of a complete one."""

    id: Id
    study: StudySpec
    trial: Count
    state: Literal["complete", "pruned", "fail"]
    value: float | None
    attrs: Json


class RequeueRequest(Strict, tag_field="type", tag="requeue"):
    """Those of `trials` that still run have failed; their parameters wait to be asked for again, in the same slot."""

    id: Id
    study: StudySpec
    trials: list[Count]


class ImportanceRequest(Strict, tag_field="type", tag="importance"):
    """What each parameter contributes to the variance of the complete trials' values."""

    id: Id
    study: StudySpec
    seed: Count


class TrialsRequest(Strict, tag_field="type", tag="trials"):
    """Writes all trials to `out`."""

    id: Id
    study: StudySpec
    out: Text


StudyJob = StudyRequest | AskRequest | ReportRequest | TellRequest | RequeueRequest | ImportanceRequest | TrialsRequest
"""A request about one study."""


class TunerResult(Strict, tag_field="kind", tag="tuner"):
    """Optuna is there."""

    optuna: str
    """Its version."""


class StudyResult(Strict, tag_field="kind", tag="study"):
    """`attrs` are those that the study has, whoever made it."""

    created: bool
    attrs: Json


class AskedTrial(Strict):
    """A trial to run."""

    number: Count
    slot: Count
    params: Json


class AskResult(Strict, tag_field="kind", tag="ask"):
    """What to run now."""

    trial: AskedTrial | None
    """None: all slots have been given, and none waits."""
    completed: Count
    """Complete trials of the study."""


class ReportResult(Strict, tag_field="kind", tag="report"):
    """The first step at which the trial is to be pruned; None: at none of them."""

    prune_at: Positive | None


class TellResult(Strict, tag_field="kind", tag="tell"):
    """The trial has ended."""


class RequeueResult(Strict, tag_field="kind", tag="requeue"):
    """Those that did still run."""

    requeued: list[Count]


class ImportanceResult(Strict, tag_field="kind", tag="importance"):
    """Parameter → share, summing to 1; empty where there are too few trials, or they do not differ."""

    importance: dict[str, float]


class TrialsResult(Strict, tag_field="kind", tag="trials"):
    """How many were written."""

    count: Count


StudyAnswer = StudyResult | AskResult | ReportResult | TellResult | RequeueResult | ImportanceResult | TrialsResult
