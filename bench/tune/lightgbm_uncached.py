"""Foldwise's own adapter of LightGBM, which keeps no binned rows: every fit bins its own."""

from __future__ import annotations

from foldwise_engine.models.lightgbm import LightGBMAdapter

ADAPTER = LightGBMAdapter(cache_bytes=0)
