"""The worker: three threads and one job at a time.

reader     stdin ──▶ queue; hears `cancel` while a job runs; the end of stdin ends the process
main       queue ──▶ job ──▶ done or failed
heartbeat  an event a second
"""

from __future__ import annotations

import importlib
import os
import queue
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from foldwise_engine.channel import EventChannel
from foldwise_engine.errors import Cancelled, EngineError, failure
from foldwise_engine.protocol import (
    MAX_LINE_BYTES,
    PROTOCOL_VERSION,
    CancelRequest,
    CancelResult,
    DoneEvent,
    ExportRequest,
    FailedEvent,
    FitRequest,
    HeartbeatEvent,
    HelloRequest,
    Job,
    ModelName,
    PredictRequest,
    ProgressEvent,
    ReadyEvent,
    Request,
    Result,
    ShutdownRequest,
    ShutdownResult,
    decode_request,
    id_of,
)
from foldwise_engine.reader import lines
from foldwise_engine.tuning.protocol import StudyJob, TunerRequest

if TYPE_CHECKING:
    from foldwise_engine.jobs import Jobs
    from foldwise_engine.tuning.jobs import Tuner

HEARTBEAT_SECONDS = 1.0
PROGRESS_SECONDS = 0.2


class JobCaller:
    """One job's ear and voice."""

    def __init__(self, request_id: str, channel: EventChannel) -> None:
        self.cancelled = threading.Event()
        self._id = request_id
        self._channel = channel
        self._next = 0.0

    def check(self) -> None:
        """Raises `Cancelled` once somebody asked for it."""
        if self.cancelled.is_set():
            raise Cancelled

    def progress(self, step: int, total: int, metrics: Mapping[str, float], every: int | None = None) -> None:
        """Send at most one event every `PROGRESS_SECONDS`, the last one, and those of every `every` steps."""
        now = time.monotonic()
        if now < self._next and step < total and (every is None or step % every != 0):
            return
        self._next = now + PROGRESS_SECONDS
        finite = {name: value for name, value in metrics.items() if isfinite(value)}
        self._channel.send(ProgressEvent(id=self._id, step=step, total=total, metrics=finite))


class Worker:
    """Serves requests from one descriptor and answers on another, until `shutdown` or the end of its input."""

    def __init__(self, requests: int, events: int) -> None:
        self._requests = requests
        self._channel = EventChannel(events)
        self._queue: queue.SimpleQueue[tuple[Request, JobCaller]] = queue.SimpleQueue()
        self._callers: dict[str, JobCaller] = {}
        """Jobs that run or wait; the reader's to fill, the main thread's to empty."""
        self._jobs: Jobs | None = None
        self._tuner: Tuner | None = None
        self._loader: threading.Thread | None = None

    def run(self) -> None:
        """Serve; returns after `shutdown`."""
        for target in (self._read, self._beat):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()
        self._channel.send(ReadyEvent(protocol=PROTOCOL_VERSION, pid=os.getpid()))
        while True:
            request, caller = self._queue.get()
            try:
                self._channel.send(DoneEvent(id=request.id, result=self._answer(request, caller)))
            except Exception as error:
                self._channel.send(failure(request.id, error))
            finally:
                self._callers.pop(request.id, None)
            if isinstance(request, ShutdownRequest):
                return

    def _answer(self, request: Request, caller: JobCaller) -> Result:
        caller.check()
        match request:
            case HelloRequest():
                from foldwise_engine.hello import hello

                self._import(request.imports)
                return hello()
            case ShutdownRequest():
                return ShutdownResult()
            case CancelRequest():
                raise AssertionError("the reader answers cancel")
            case FitRequest() | PredictRequest() | ExportRequest():
                return self._run(request, caller)
            case TunerRequest():
                from foldwise_engine.tuning.jobs import ready

                return ready()
            case _:
                return self._tune(request)

    def _import(self, models: Sequence[ModelName]) -> None:
        """Load what the next jobs need: the first model's engine now, the others' beside the first job."""
        if not models:
            return
        if any(name.adapter is not None for name in models):
            self._make_whole()
        _load(models[:1])
        self._loader = threading.Thread(target=_load, args=(models[1:],), name="_load")
        self._loader.start()

    def _run(self, request: Job, caller: JobCaller) -> Result:
        # Here, not at the top: numpy alone costs more than the whole start of a worker.
        from foldwise_engine.jobs import Jobs, run_job

        if self._jobs is None:
            self._jobs = Jobs()
        if request.adapter is not None:
            self._make_whole()
        return run_job(self._jobs, request, caller)

    def _tune(self, request: StudyJob) -> Result:
        # Here, not at the top: no fit needs Optuna, and no study an engine.
        from foldwise_engine.tuning.jobs import Tuner

        if self._tuner is None:
            self._tuner = Tuner()
        return self._tuner.run(request)

    def _make_whole(self) -> None:
        """Before a plug-in is loaded: it may import any engine, and ask for all of it."""
        from foldwise_engine.lean import ENGINES

        # Python's own imports wait for one another; a plug-in's file would be met half-loaded.
        if self._loader is not None:
            self._loader.join()
        if ENGINES.make_whole() and self._jobs is not None:
            self._jobs.forget()

    def _read(self) -> None:
        try:
            with os.fdopen(self._requests, "rb") as stream:
                for line in lines(stream):
                    self._take(line)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)  # nobody is left to work for; a fit in progress ends with the process

    def _take(self, line: bytes | None) -> None:
        """Decode one line; answer it at once if it is broken or a `cancel`, else queue it."""
        if line is None:
            self._channel.send(_refused(None, f"A line is longer than {MAX_LINE_BYTES} bytes."))
            return
        try:
            request = decode_request(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._channel.send(_refused(id_of(line), f"Not a request of protocol {PROTOCOL_VERSION}: {error}"))
            return
        if isinstance(request, CancelRequest):
            job = self._callers.get(request.job)
            if job is not None:
                job.cancelled.set()
            self._channel.send(DoneEvent(id=request.id, result=CancelResult(found=job is not None)))
            return
        if isinstance(request, ShutdownRequest):
            for waiting in list(self._callers.values()):
                waiting.cancelled.set()
        caller = JobCaller(request.id, self._channel)
        self._callers[request.id] = caller
        self._queue.put((request, caller))

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            self._channel.send(HeartbeatEvent())


def _load(models: Sequence[ModelName]) -> None:
    """Import what a job with these models needs. What cannot be imported is that job's to tell."""
    from foldwise_engine.adapter import load_adapter

    for name in models:
        with suppress(Exception):
            load_adapter(name.model, name.adapter)
    with suppress(Exception):
        importlib.import_module("foldwise_engine.jobs")
        importlib.import_module("foldwise_engine.export.graph")


def _refused(request_id: str | None, message: str) -> FailedEvent:
    return failure(
        request_id, EngineError("bad_request", message, "Foldwise and its Python package must be of one version.")
    )
