"""Sequence models: one training loop, four small networks, graphs written out. Imports torch; nothing tabular imports it."""
