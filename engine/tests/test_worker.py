"""A real worker process, spoken to over its streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support import ENGINE, HAS_TORCH, PATIENCE, Case, TalkingWorker

from foldwise_engine.hello import cuda_engines
from foldwise_engine.process import memory_share
from foldwise_engine.protocol import (
    MAX_LINE_BYTES,
    CancelRequest,
    CancelResult,
    DoneEvent,
    FailedEvent,
    FitResult,
    HeartbeatEvent,
    HelloRequest,
    HelloResult,
    ModelName,
    PredictRequest,
    ProgressEvent,
    ReadyEvent,
    ShutdownRequest,
    encode,
)

STUB = str(Path(__file__).with_name("plugin_stub.py"))
FOREVER = {"rounds": 1_000_000}
LONG = {"num_boost_round": 100_000, "early_stopping_rounds": None}

NOISY = """
import ctypes, os, sys
import sys; sys.path.insert(0, {here!r})
from plugin_stub import Prior

class Noisy(Prior):
    def fit(self, task):
        print('{"type":"heartbeat","junk":1}')
        os.write(1, b'{"type":"done"}\\n')
        os.system("echo from a child process")
        ctypes.CDLL(None).puts(b"from C")
        ctypes.CDLL(None).fflush(None)
        assert sys.stdin.read() == ""
        return super().fit(task)

ADAPTER = Noisy()
"""
CRASHING = """
import os, signal
import sys; sys.path.insert(0, {here!r})
from plugin_stub import Prior

class Crashing(Prior):
    def fit(self, task):
        os.kill(os.getpid(), signal.SIGSEGV)

ADAPTER = Crashing()
"""
GREEDY = """
import sys; sys.path.insert(0, {here!r})
from plugin_stub import Prior

class Greedy(Prior):
    def fit(self, task):
        raise MemoryError

ADAPTER = Greedy()
"""


def plugin(folder: Path, source: str) -> str:
    path = folder / "plugin.py"
    path.write_text(source.replace("{here!r}", repr(str(Path(__file__).parent))))
    return str(path)


def test_it_is_ready_at_once_and_its_heart_beats(worker: TalkingWorker) -> None:
    ready = worker.hear(ReadyEvent)
    assert (ready.protocol, ready.pid) == (1, worker.process.pid)
    worker.hear(HeartbeatEvent)
    worker.hear(HeartbeatEvent)


def test_it_starts_without_importing_an_engine() -> None:
    code = "import sys, foldwise_engine.__main__; print([m for m in ('numpy', 'xgboost', 'sklearn') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ENGINE)}, capture_output=True, check=True, text=True
    )
    assert run.stdout.strip() == "[]"


def test_hello_tells_versions_devices_and_memory(worker: TalkingWorker) -> None:
    hello = worker.ask(HelloRequest(id="h"))
    assert isinstance(hello, HelloResult)
    assert hello.versions["python"].startswith("3.")
    assert "xgboost" in hello.versions
    assert hello.devices[0] == "cpu"
    assert hello.memory_bytes > 2**28


def test_hello_imports_what_is_asked_and_is_silent_about_what_cannot_be(worker: TalkingWorker) -> None:
    names = [ModelName(model="unheard_of", adapter=None), ModelName(model="logistic", adapter=None)]
    assert isinstance(worker.ask(HelloRequest(id="h", imports=names)), HelloResult)


def test_what_libraries_print_or_read_cannot_touch_the_stream(worker: TalkingWorker, case: Case) -> None:
    request = case.request("noisy", adapter=plugin(case.folder, NOISY))
    assert isinstance(worker.ask(request), FitResult)
    worker.ask(ShutdownRequest(id="s"))
    worker.process.wait(timeout=PATIENCE)
    noise = b"".join(worker.noise)
    for said in (b"junk", b'{"type":"done"}', b"from a child process", b"from C"):
        assert said in noise


def test_what_is_not_a_number_is_left_out_of_progress(worker: TalkingWorker, case: Case) -> None:
    request = case.request("stub", adapter=STUB)
    worker.say(request)
    assert worker.hear(ProgressEvent, request.id).metrics == {"stop_loss": 1.0}


def test_progress_is_told_at_most_five_times_a_second_and_at_the_end(worker: TalkingWorker, case: Case) -> None:
    request = case.request("stub", adapter=STUB, training={"rounds": 600})
    worker.say(request)
    steps: list[int] = []
    start = time.monotonic()
    while not steps or steps[-1] < 600:
        steps.append(worker.hear(ProgressEvent, request.id).step)
    assert len(steps) <= (time.monotonic() - start) / 0.2 + 2


def test_progress_is_told_of_every_so_many_rounds_that_are_asked_for(worker: TalkingWorker, case: Case) -> None:
    request = case.request("stub", adapter=STUB, training={"rounds": 600})
    worker.say(msgspec.structs.replace(request, report_every=25))
    steps: list[int] = []
    while not steps or steps[-1] < 600:
        steps.append(worker.hear(ProgressEvent, request.id).step)
    assert [step for step in steps if step % 25 == 0] == list(range(25, 601, 25))
    assert len(steps) < 600


def test_a_running_fit_is_cancelled_and_the_worker_lives(worker: TalkingWorker, case: Case) -> None:
    request = case.request("xgboost", training=LONG)
    worker.say(request)
    progress = worker.hear(ProgressEvent, request.id)
    assert 1 <= progress.step <= progress.total == 100_000
    assert 0 < progress.metrics["stop_loss"] < 3
    worker.say(CancelRequest(id="c", job=request.id))
    ended = worker.ends("c", request.id)  # the fit may hear of it before the answer is written
    assert ended["c"] == DoneEvent(id="c", result=CancelResult(found=True))
    failed = ended[request.id]
    assert isinstance(failed, FailedEvent)
    assert (failed.code, failed.traceback) == ("cancelled", None)
    assert list(Path(request.out).iterdir()) == []
    result = worker.ask(case.request("xgboost"))
    assert isinstance(result, FitResult)
    assert result.peak_memory_bytes > 2**24
    assert result.quantised == "reused"


def test_a_waiting_job_is_cancelled_before_it_starts(worker: TalkingWorker, case: Case) -> None:
    first, second = case.request("stub", adapter=STUB, training=FOREVER), case.request("stub", adapter=STUB)
    worker.say(first)
    worker.say(second)
    worker.hear(ProgressEvent, first.id)
    assert worker.ask(CancelRequest(id="c2", job=second.id)).found
    worker.say(CancelRequest(id="c1", job=first.id))
    assert worker.hear(FailedEvent, first.id).code == "cancelled"
    assert worker.hear(FailedEvent, second.id).code == "cancelled"


def test_cancelling_an_unknown_job_finds_nothing(worker: TalkingWorker) -> None:
    assert worker.ask(CancelRequest(id="c", job="nobody")) == CancelResult(found=False)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"fit please\n", None),
        (b"\xff\xfe\x00\n", None),
        (b"\n", None),
        (b'{"type":"fit","id":"broken"}\n', "broken"),
        (b'{"type":"dance","id":"odd"}\n', "odd"),
        (b"x" * (MAX_LINE_BYTES * 2 + 7) + b"\n", None),
    ],
)
def test_a_malformed_line_is_refused_and_the_worker_lives(worker: TalkingWorker, line: bytes, expected: str | None) -> None:
    worker.say(line)
    failed = worker.hear(FailedEvent)
    assert (failed.code, failed.id) == ("bad_request", expected)
    assert isinstance(worker.ask(HelloRequest(id="h")), HelloResult)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in a fit"])
def test_it_ends_when_its_input_ends(worker: TalkingWorker, case: Case, busy: bool) -> None:
    worker.hear(ReadyEvent)
    if busy:
        request = case.request("stub", adapter=STUB, training=FOREVER)
        worker.say(request)
        worker.hear(ProgressEvent, request.id)
    start = time.monotonic()
    assert worker.end() == 0
    assert time.monotonic() - start < 2


def test_shutdown_cancels_the_running_fit_and_ends(worker: TalkingWorker, case: Case) -> None:
    request = case.request("stub", adapter=STUB, training=FOREVER)
    worker.say(request)
    worker.hear(ProgressEvent, request.id)
    worker.say(ShutdownRequest(id="s"))
    assert worker.hear(FailedEvent, request.id).code == "cancelled"
    worker.hear(DoneEvent, "s")
    assert worker.process.wait(timeout=PATIENCE) == 0


def test_sigterm_ends_it_in_the_middle_of_a_fit(worker: TalkingWorker, case: Case) -> None:
    request = case.request("stub", adapter=STUB, training=FOREVER)
    worker.say(request)
    worker.hear(ProgressEvent, request.id)
    start = time.monotonic()
    worker.process.terminate()
    assert worker.process.wait(timeout=PATIENCE) == -signal.SIGTERM
    assert time.monotonic() - start < 2


def test_ctrl_c_is_left_to_the_parent(worker: TalkingWorker) -> None:
    worker.hear(ReadyEvent)
    worker.process.send_signal(signal.SIGINT)
    assert isinstance(worker.ask(HelloRequest(id="h")), HelloResult)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_it_dies_with_a_parent_that_was_killed() -> None:
    # The parent gives the worker an input that outlives it, so that only the kernel's signal can end the worker.
    held_read, held_write = os.pipe()
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'foldwise_engine'], stdin=int(sys.argv[1]))\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(held_read)],
        pass_fds=(held_read,),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
    )
    assert process.stdout is not None
    assert b'"ready"' in process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.read()  # ends when the worker, the last to hold it, is gone
    process.stdout.close()
    os.close(held_read)
    os.close(held_write)


def test_a_crash_in_native_code_ends_the_process_with_its_signal(worker: TalkingWorker, case: Case) -> None:
    worker.say(case.request("crashing", adapter=plugin(case.folder, CRASHING)))
    assert worker.process.wait(timeout=PATIENCE) == -signal.SIGSEGV


def test_running_out_of_memory_is_a_typed_failure(worker: TalkingWorker, case: Case) -> None:
    request = case.request("greedy", adapter=plugin(case.folder, GREEDY))
    worker.say(request)
    failed = worker.hear(FailedEvent, request.id)
    assert failed.code == "out_of_memory"
    assert failed.remedy is None  # the pool's to say: it knows the limits
    assert failed.traceback is not None


def test_a_missing_engine_names_the_command_that_mends_it(worker: TalkingWorker, case: Case) -> None:
    request = case.request("absent", adapter=plugin(case.folder, "import an_engine_nobody_has\nADAPTER = None\n"))
    worker.say(request)
    failed = worker.hear(FailedEvent, request.id)
    assert failed.code == "engine_missing"
    assert "an_engine_nobody_has" in failed.message
    assert "foldwise doctor --install" in (failed.remedy or "")


@pytest.mark.parametrize("model", ["forest", "../xgboost", "os.path", "XGBoost"])
def test_an_unknown_model_is_refused(worker: TalkingWorker, case: Case, model: str) -> None:
    request = case.request(model)
    worker.say(request)
    assert worker.hear(FailedEvent, request.id).code == "bad_request"


def test_a_damaged_file_is_a_failure_of_that_job_only(worker: TalkingWorker, case: Case) -> None:
    request = case.request("stub", adapter=STUB)
    fit = worker.ask(request)
    (case.folder / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00oops")
    predict = PredictRequest(
        id="p",
        model="stub",
        adapter=STUB,
        model_dir=request.out,
        x=str(case.folder / "broken.npy"),
        rows=None,
        out=str(case.folder / "p.npy"),
        threads=1,
        device="cpu",
    )
    worker.say(predict)
    assert worker.hear(FailedEvent, "p").code == "bad_data"
    # An array of objects whose pickle, were it ever read, would write a file.
    trace = case.folder / "trace"
    with (case.folder / "pickled.npy").open("wb") as hostile:
        np.lib.format.write_array_header_1_0(hostile, {"descr": "|O", "fortran_order": False, "shape": (1,)})
        hostile.write(f"cbuiltins\nopen\n(V{trace}\nVw\ntR.".encode())
    worker.say(encode(predict).replace(b"broken.npy", b"pickled.npy"))
    assert worker.hear(FailedEvent, "p").code == "bad_data"
    assert not trace.exists()
    assert isinstance(fit, FitResult)


def test_cuda_is_told_only_where_the_engine_can_use_it() -> None:
    import xgboost

    assert cuda_engines(0) == {}
    told = cuda_engines(1)
    assert told["xgboost"] == bool(xgboost.build_info()["USE_CUDA"])
    assert told["catboost"] == (sys.platform != "darwin")
    if HAS_TORCH:
        import torch

        assert told["torch"] == (torch.version.cuda is not None)
    else:
        assert told["torch"] is False


def test_memory_is_shared_among_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOLDWISE_WORKERS", raising=False)
    alone = memory_share(8)
    assert alone > 2**20
    for told, workers in (("16", 16), ("1", 1), ("0", 1), ("many", 1)):
        monkeypatch.setenv("FOLDWISE_WORKERS", told)
        assert memory_share(8) == alone // workers


def test_a_machine_that_does_not_tell_its_memory_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOLDWISE_WORKERS", raising=False)
    monkeypatch.delattr(os, "sysconf")  # as on Windows
    assert memory_share(8) == 2**30
