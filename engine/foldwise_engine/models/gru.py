"""Stacked GRU on windows; see `foldwise_engine.neural`."""

from foldwise_engine.neural.adapter import SequenceAdapter
from foldwise_engine.neural.networks import Recurrent
from foldwise_engine.neural.settings import RecurrentParams


def _build(params: RecurrentParams, features: int, classes: int, seq_len: int) -> Recurrent:
    return Recurrent("gru", params, features, classes, seq_len)


ADAPTER = SequenceAdapter("gru", RecurrentParams, _build)
