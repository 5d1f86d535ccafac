"""The worker's one way out: whole lines on a private descriptor, from any thread."""

from __future__ import annotations

import os
import threading

from foldwise_engine.protocol import Event, encode


class EventChannel:
    """Writes events; a reader that has gone away ends the process, since nobody is left to work for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        """Write one line; lines of different threads never mix."""
        line = memoryview(encode(event))
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except BrokenPipeError:
                os._exit(0)
