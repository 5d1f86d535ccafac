"""What the worker asks of its operating system: clean streams, a parent to die with, and figures of memory."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""


def isolate_streams() -> tuple[int, int]:
    """Return private copies of standard input and output.

    Afterwards descriptor 1 is standard error and descriptor 0 is empty, so whatever a library prints or reads, in
    Python or in C, cannot touch the protocol.
    """
    requests, events = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests, events


def die_with_parent() -> None:
    """On Linux, have the kernel kill this process when its parent ends; elsewhere the end of stdin does it."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(0)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def reset_peak_memory() -> None:
    """Begin a new high-water mark, so that a figure belongs to one job and not to the worker's life (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:  # another system, or a container that forbids it: the mark is then that of the worker's life
        return


def peak_memory() -> int:
    """Most resident bytes since `reset_peak_memory`; 0 where the system does not say."""
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def physical_memory() -> int:
    """Bytes of memory in this machine, or of this control group where that is less; 0 if unknown."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(limit) as file:
                total = min(total, int(file.read()))
        except (OSError, ValueError):
            continue
    return total


UNKNOWN_MEMORY = 8 * 2**30
"""Bytes that a machine which does not tell its memory (Windows) is taken to have."""

WORKERS_VARIABLE = "FOLDWISE_WORKERS"
"""How many workers the pool may have at once; the pool sets it."""


def memory_share(parts: int) -> int:
    """Bytes: one of `parts` of the machine's memory, divided among the workers that share the machine."""
    told = os.environ.get(WORKERS_VARIABLE, "")
    workers = max(1, int(told)) if told.isdecimal() else 1
    return (physical_memory() or UNKNOWN_MEMORY) // parts // workers


def _cuda_driver() -> ctypes.CDLL | None:
    """The initialised driver; None without one."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None


def cuda_devices() -> int:
    """How many CUDA devices the driver shows; 0 without a driver."""
    driver, count = _cuda_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


COMPUTE_CAPABILITY_MAJOR = 75
"""The driver's number of that attribute."""


def cuda_computes_in_bf16() -> bool:
    """Whether the first CUDA device is of compute capability 8 or later: earlier ones emulate bfloat16, slowly."""
    driver, major, device = _cuda_driver(), ctypes.c_int(0), ctypes.c_int(0)
    if driver is None or driver.cuDeviceGet(ctypes.byref(device), 0) != 0:
        return False
    asked = driver.cuDeviceGetAttribute(ctypes.byref(major), COMPUTE_CAPABILITY_MAJOR, device)
    return bool(asked == 0 and major.value >= 8)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within it glibc keeps what was freed for what is asked for next; with another C library nothing happens.

    It hands memory at the end of the heap back as soon as it is free, and a training step's is free when the step ends: in
    some processes, by where things happen to lie, each step then began with 1 800 page faults, a quarter of its time.
    Afterwards its limits are those it reaches by itself once blocks of 32 MB were freed, and what is free is given back.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most it takes; unset it would stay at 128 kB once the other one is set
    libc.mallopt(M_TRIM_THRESHOLD, 512 << 20)
    try:
        yield
    finally:
        libc.mallopt(M_TRIM_THRESHOLD, 64 << 20)
        libc.malloc_trim(0)
