"""Foldwise's training engines: a worker process that fits and exports, and decides nothing."""

__version__ = "0.1.0"
