"""Floating-point rates, so that a time can be read as a share of what the machine can do."""

from __future__ import annotations

import statistics
import time

import torch

SIDE = 1024


def matrix_product(device: str, threads: int, precision: torch.dtype = torch.float32) -> float:
    """Operations a second of a product of square matrices; the median of 30."""
    torch.set_num_threads(threads)
    side = SIDE if device == "cpu" else 4 * SIDE
    a, b = (torch.randn(side, side, device=device).to(precision) for _ in range(2))
    times = []
    for _ in range(35):
        start = time.perf_counter()
        c = a @ b
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    del c
    return 2 * side**3 / statistics.median(times[5:])


def of_training(parameters: int, bars: int, seconds: float) -> float:
    """Operations a second: a bar takes each weight once forward, twice backward; attention's products are left out."""
    return 6 * parameters * bars / seconds
