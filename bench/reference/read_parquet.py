"""Reading a Parquet file alone, by pyarrow: `{"path": …, "threads": 2}` → seconds, rows and columns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from common import Answer, Command, serve, timed


def run(command: Command) -> Answer:
    """Read it whole into one table."""
    pa.set_cpu_count(command.get("threads", pa.cpu_count()))
    seconds, table = timed(lambda: pq.read_table(command["path"]))
    return {"seconds": seconds, "rows": table.num_rows, "columns": table.num_columns}


if __name__ == "__main__":
    serve(run)
