"""Sequence models beside the plain loop that everybody writes: `python -m foldwise_engine.bench`, without Node."""
