"""The thread that listens while a job runs."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedIOBase

from foldwise_engine.protocol import MAX_LINE_BYTES


def lines(stream: BufferedIOBase) -> Iterator[bytes | None]:
    """Whole lines until the end of the stream; None for one longer than `MAX_LINE_BYTES`, which is skipped."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) <= MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)
        yield None
