"""Temporal convolutional network on windows; see `foldwise_engine.neural`."""

from foldwise_engine.neural.adapter import SequenceAdapter
from foldwise_engine.neural.networks import Tcn
from foldwise_engine.neural.settings import TcnParams

ADAPTER = SequenceAdapter("tcn", TcnParams, Tcn)
