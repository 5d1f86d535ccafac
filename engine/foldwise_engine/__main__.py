"""`python -m foldwise_engine`: a worker that speaks the protocol on its standard streams."""

from __future__ import annotations

import signal

from foldwise_engine.process import die_with_parent, isolate_streams
from foldwise_engine.worker import Worker


def main() -> None:
    """Isolate the streams before anything else can print, then serve."""
    requests, events = isolate_streams()
    die_with_parent()
    # Ctrl-C reaches the whole process group; what happens then is the parent's to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Worker(requests, events).run()


if __name__ == "__main__":
    main()
