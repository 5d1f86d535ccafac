"""Transformer encoder with causal banded attention on windows; see `foldwise_engine.neural`."""

from foldwise_engine.neural.adapter import SequenceAdapter
from foldwise_engine.neural.networks import Transformer
from foldwise_engine.neural.settings import TransformerParams

ADAPTER = SequenceAdapter("transformer", TransformerParams, Transformer)
