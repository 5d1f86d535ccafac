"""The engine protocol: newline-delimited JSON, one message a line.

The same unions as `src/engine/protocol.ts`, bound by bound; both sides are tested on the files under
`test/fixtures/protocol/`. Requests come on the worker's stdin, events go to its private copy of stdout.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from foldwise_engine.fields import Count, Id, Integer, Json, Positive, Strict, Text
from foldwise_engine.tuning.protocol import StudyAnswer, StudyJob, TunerRequest, TunerResult

PROTOCOL_VERSION = 1

MAX_LINE_BYTES = 1_048_576
"""A line longer than this is a flood, not a message."""

Device = Literal["cpu", "cuda"]
ClassScale = tuple[float, float, float]
"""Factors a class (-1, 0, 1) that turn raw probabilities into those that are served: multiply, divide by the row's sum."""
ThreeNumbers = tuple[float, float, float]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ModelName(Strict):
    """A model's adapter: a built-in one by its id, or a plug-in's file."""

    model: Text
    adapter: Text | None


class HelloRequest(Strict, tag_field="type", tag="hello"):
    """Asks for versions, devices and memory; the engines of `imports` are loaded, all but the first beside the next job."""

    id: Id
    imports: list[ModelName] = msgspec.field(default_factory=list)


class FitSteps(Strict):
    """Row-index files of a model fitted in two steps: itself on `fit`, its probabilities on its scores of `probability`.

    Both are among the training rows.
    """

    fit: Text
    probability: Text


class FitRows(Strict):
    """Row-index files; `stop` is None where nothing stops early."""

    train: Text
    stop: Text | None


class FitWindow(Strict):
    """A sequence model's windows: each holds the `length` rows up to and with its end row, within one value of `piece`.

    The rows of `FitRows` are end rows. Training takes no bar outside of the rows `from` (inclusive) to `to` (exclusive).
    """

    length: Positive
    piece: Text | None
    """int32 (N) .npy; None: all rows are one piece."""
    start: Count = msgspec.field(name="from")
    end: Count = msgspec.field(name="to")


class FitRequest(Strict, tag_field="type", tag="fit"):
    """Fit one model on rows of a stored dataset and write it, with its side files, into `out`.

    Stop rows decide by the probabilities that will be served: with a `class_scale`, the raw ones times its factors.
    """

    id: Id
    model: Text
    adapter: Text | None
    dataset: Text
    horizon: Count
    rows: FitRows
    weights: Text | None
    params: Json
    training: Json
    seed: Count
    threads: Positive
    device: Device
    out: Text
    class_scale: ClassScale | None = None
    steps: FitSteps | None = None
    """None: the model is fitted on all of `rows.train`."""
    window: FitWindow | None = None
    """None: a row is an example."""
    checkpoint: Text | None = None
    """A folder that outlives the process: a fit that finds its own checkpoint there goes on from it."""
    answer: Text | None = None
    """Row-index file: the fitted model answers these rows of the dataset too, as a `predict` would; None: no others."""
    report_every: Positive | None = None
    """Progress is told of every so many rounds, however fast they are; None: as often as a person can see."""
    answers_only: bool = False
    """Only answers are written: of the stop rows, and of `answer`. No file of the model, no importance, no training rows."""


class PredictRequest(Strict, tag_field="type", tag="predict"):
    """Write the raw probabilities of rows of `x`, float32 (N, 3), to `out`."""

    id: Id
    model: Text
    adapter: Text | None
    model_dir: Text
    x: Text
    rows: Text | None
    out: Text
    threads: Positive
    device: Device


class Calibrator(Strict):
    """Turns probabilities p into calibrated ones, (1 - prior_share) softmax(slope ln p + offset) + prior_share prior.

    Three values each, for the classes -1, 0, 1; p is taken as at least 1e-15.
    """

    slope: ThreeNumbers
    offset: ThreeNumbers
    prior_share: Share
    prior: ThreeNumbers


class ExportRequest(Strict, tag_field="type", tag="export"):
    """Write the ONNX graph of a fitted model.

    `class_scale` has a factor a class (-1, 0, 1) that turns `raw_probabilities` into `probabilities` (multiply, then divide
    by the row's sum); the `calibrator` is applied to what that gives. Without both the two outputs are the same.
    """

    id: Id
    model: Text
    adapter: Text | None
    model_dir: Text
    out: Text
    class_scale: ClassScale | None = None
    calibrator: Calibrator | None = None


class CancelRequest(Strict, tag_field="type", tag="cancel"):
    """Stop job `job` at its next round."""

    id: Id
    job: Id


class ShutdownRequest(Strict, tag_field="type", tag="shutdown"):
    """End the worker; a running job is cancelled."""

    id: Id


Job = FitRequest | PredictRequest | ExportRequest
Request = HelloRequest | Job | TunerRequest | StudyJob | CancelRequest | ShutdownRequest


class HelloResult(Strict, tag_field="kind", tag="hello"):
    """What this worker has; an engine that is not installed is absent from `versions`."""

    versions: dict[str, str]
    devices: list[Device]
    cuda: dict[str, bool]
    """Engine → whether it can use the CUDA devices; empty where there are none, silent about engines of plug-ins."""
    bf16: bool
    """Whether the first CUDA device computes in bfloat16."""
    memory_bytes: Count


class FitSeconds(Strict):
    """Reading and binning; the engine's own training; writing and scoring."""

    data: float
    train: float
    finish: float


class FitFiles(Strict):
    """File names inside `out`; `train`, `stop` and `answer` are float32 (N, 3) raw probabilities of those rows."""

    native: str | None
    """None: only answers were asked for."""
    scaler: str | None
    train: str | None
    """None: only answers were asked for."""
    stop: str | None
    train_rows: str | None = None
    """int32 positions among `rows.train` that `train` answers; None: all."""
    answer: str | None = None


class FitSequence(Strict):
    """How a sequence model was trained."""

    mode: Literal["dense", "windowed"]
    precision: Literal["fp32", "bf16"]
    batch_size: Positive
    """Labelled outputs a step, halved where the GPU had too little memory."""
    parameters: Count
    receptive_field: Positive
    """Bars that the newest answer depends on; at most the window."""
    resumed_from: Count
    """The epoch of the checkpoint from which the fit went on; 0: it began anew."""


class Importance(Strict):
    """A float64 (F) .npy inside `out`, summing to 1."""

    kind: str
    file: str


class FitResult(Strict, tag_field="kind", tag="fit"):
    """How a fit went; `best_epoch` counts from 1, 0 for models without rounds."""

    best_epoch: Count
    total_epochs: Count
    early_stopped: bool
    classes: Annotated[list[Literal[-1, 0, 1]], msgspec.Meta(min_length=2)]
    seconds: FitSeconds
    files: FitFiles
    importance: Importance | None
    device: Device
    quantised: Literal["built", "reused"] | None
    peak_memory_bytes: Count
    warnings: list[str]
    sequence: FitSequence | None = None


class PredictResult(Strict, tag_field="kind", tag="predict"):
    """How many rows were predicted."""

    rows: Count


class ExportResult(Strict, tag_field="kind", tag="export"):
    """`borders` names a float32 (B, 2) .npy beside the graph: feature index and split threshold."""

    opset: Count
    borders: str | None


class CancelResult(Strict, tag_field="kind", tag="cancel"):
    """Whether that job was running or waiting."""

    found: bool


class ShutdownResult(Strict, tag_field="kind", tag="shutdown"):
    """The last word of a worker."""


Result = HelloResult | FitResult | PredictResult | ExportResult | TunerResult | StudyAnswer | CancelResult | ShutdownResult


class ReadyEvent(Strict, tag_field="type", tag="ready"):
    """Sent once, unasked, as soon as the worker can read requests."""

    protocol: Integer
    pid: Count


class HeartbeatEvent(Strict, tag_field="type", tag="heartbeat"):
    """Sent every second by a thread of its own."""


class ProgressEvent(Strict, tag_field="type", tag="progress"):
    """Rounds or epochs done, of at most `total`."""

    id: Id
    step: Count
    total: Count
    metrics: dict[str, float]


class LogEvent(Strict, tag_field="type", tag="log"):
    """Something a person may want to know."""

    id: Id | None
    level: Literal["debug", "info", "warning", "error"]
    message: str


class DoneEvent(Strict, tag_field="type", tag="done"):
    """The answer to request `id`."""

    id: Id
    result: Result


class FailedEvent(Strict, tag_field="type", tag="failed"):
    """Request `id` failed; `id` is None when the line could not be understood at all."""

    id: Id | None
    code: Text
    message: str
    remedy: str | None
    traceback: str | None


Event = ReadyEvent | HeartbeatEvent | ProgressEvent | LogEvent | DoneEvent | FailedEvent

_request_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_event_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


class _Named(msgspec.Struct):
    """Just enough of a broken request to say which one it was."""

    id: Id


def decode_request(line: bytes) -> Request:
    """Parse one line; raises `msgspec.DecodeError` (or its `ValidationError`) for anything else."""
    return _request_decoder.decode(line)


def decode_event(line: bytes) -> Event:
    """Parse one line as an event; the tests' half of the conversation."""
    return _event_decoder.decode(line)


def encode(message: Event | Request) -> bytes:
    """One line, newline included."""
    return _encoder.encode(message) + b"\n"


def id_of(line: bytes) -> str | None:
    """The id of a request that is broken elsewhere, or None."""
    try:
        return msgspec.json.decode(line, type=_Named).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
