"""What a plain script does from a Parquet file to predictions: `python whole.py '{"model": "xgboost", "parquet": …, …}'`.

Reads the file, trains on the named rows with their weights, predicts the rows from `predict_from` on, writes them, ends.
It computes no score, interval or importance, and exports nothing for another language.
"""

from __future__ import annotations

import importlib
import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common import Command


def main(command: Command) -> None:
    """All of it, once."""
    module = importlib.import_module(f"fit_{command['model']}")
    table = pq.read_table(command["parquet"])
    X = np.column_stack([table[name].to_numpy() for name in command["features"]])
    y = table[command["label"]].to_numpy()
    w = table[command["weight"]].to_numpy()[np.load(command["train"])]
    _, model = module.fit({**command, "X": X, "y": y, "w": w})
    later = X[command["predict_from"] :]
    p = np.asarray(module.predict(model, later))
    names = ("p_short", "p_neutral", "p_long")
    pq.write_table(pa.table({name: p[:, k] for k, name in enumerate(names)}), command["out"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
