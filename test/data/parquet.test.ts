import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/index.js";
import { failureOf, temporaryFolder } from "./helpers.js";

let run: (sql: string) => Promise<unknown>;
beforeAll(async () => {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  run = (sql) => connection.run(sql);
  return () => connection.closeSync();
});

const COLUMNS = "TIMESTAMP '2024-01-01' + INTERVAL (i) MINUTE AS timestamp, (i % 3 - 1)::TINYINT AS label_h1";

/** A dataset of 60 rows with the columns of `select`, `i` counting the rows from 0; one file or three. */
async function dataset(select: string, layout: "series" | "splits" = "series", last = select) {
  const folder = temporaryFolder();
  const write = (name: string, columns: string, from: number) =>
    run(
      `COPY (SELECT ${COLUMNS}, ${columns} FROM range(${from}, ${from + 60}) r(i)) TO '${join(folder, name)}.parquet'`,
    );
  if (layout === "series") await write("TOY", select, 0);
  else
    for (const [k, part] of ["train", "val", "test"].entries())
      await write(`TOY_${part}`, k < 2 ? select : last, 60 * k);
  return () => openDataset({ symbol: "TOY", horizon: 1, data: folder, store: join(folder, "store") });
}

const firstRows = async (open: Awaited<ReturnType<typeof dataset>>, count: number): Promise<number[]> =>
  Array.from(await (await open()).train.X.read(0, count));

describe("a Parquet dataset", () => {
  it("gives float32 columns exactly, null as NaN, in any mixture of batches", async () => {
    const open = await dataset("(i / 7)::FLOAT AS a, CASE WHEN i % 2 = 0 THEN i::FLOAT END AS b");
    expect(await firstRows(open, 2)).toEqual([0, 0, Math.fround(1 / 7), Number.NaN]);
  });

  it("gives whole numbers, decimals, truth values and float64 rounded to float32", async () => {
    const open = await dataset(
      "i::BIGINT AS a, (i / 8)::DECIMAL(9, 3) AS b, i = 1 AS c, i / 3 AS d, CASE WHEN i > 0 THEN i::UTINYINT END AS e",
    );
    expect(await firstRows(open, 2)).toEqual([0, 0, 0, 0, Number.NaN, 1, 0.125, 1, Math.fround(1 / 3), 1]);
  });

  it.each([
    ["text", "'x' || i AS a"],
    ["a list", "[i, i] AS a"],
    ["a time", "TIMESTAMP '2024-01-01' AS a"],
    ["a label that is text", "1::FLOAT AS a, 'long' AS label_h3"],
    ["a weight that is text", "1::FLOAT AS a, '1' AS sample_weight"],
  ])("is refused by column where it should hold numbers and holds %s", async (_, select) => {
    const error = await failureOf((await dataset(select))());
    expect(error.code).toBe("data.not_a_number");
    expect(error.details.column).toBe(select.split(" ").at(-1));
  });

  it("is refused where one split file holds text in a column of numbers", async () => {
    const error = await failureOf((await dataset("i::FLOAT AS a", "splits", "'x' AS a"))());
    expect(error.code).toBe("data.not_a_number");
    expect(error.message).toContain("TOY_test.parquet");
  });

  it("may store a feature as float32 in one split file and as float64 in another", async () => {
    const data = await (await dataset("i::FLOAT AS a", "splits", "i::DOUBLE AS a"))();
    expect(Array.from(await data.test.X.read(0, 2))).toEqual([120, 121]);
  });

  it("names row and column of an infinite value in a packed file", async () => {
    const open = await dataset("1::FLOAT AS a, CASE WHEN i = 41 THEN 'inf'::FLOAT ELSE i END AS b");
    const error = await failureOf(open());
    expect(error.details).toMatchObject({ row: 42, column: "b", value: Number.POSITIVE_INFINITY });
  });

  it("names the value of float64 that float32 cannot hold", async () => {
    const error = await failureOf((await dataset("CASE WHEN i = 41 THEN -1e300 ELSE i END AS b"))());
    expect(error.details).toMatchObject({ row: 42, column: "b", value: -1e300 });
  });
});
