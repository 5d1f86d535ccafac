import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { type PredictionBatch, type PredictionColumn, readAnswers, writePredictions } from "../../src/data/index.js";
import { PREDICTION_COLUMNS } from "../../src/inference/index.js";
import { NO_LABEL } from "../../src/types/index.js";
import { failureOf, temporaryFolder } from "./helpers.js";

const COLUMNS: PredictionColumn[] = [
  { name: "timestamp", type: "stamp" },
  { name: "row", type: "int32" },
  { name: "part", type: "text" },
  { name: "label", type: "label" },
  { name: "p_short", type: "float32" },
  { name: "return", type: "float64" },
];

const first: PredictionBatch = {
  timestamp: Float64Array.of(Date.UTC(2024, 0, 1) * 1000, Date.UTC(2024, 0, 1) * 1000 + 250_000, Number.NaN),
  row: Int32Array.of(0, 1, 2),
  part: ["test", 'odd "part", really', "test"],
  label: Int8Array.of(-1, 1, NO_LABEL),
  p_short: Float32Array.of(0.1, 1, 1 / 3),
  return: Float64Array.of(0.1, -1e-9, Number.NaN),
};

async function* many(count: number): AsyncGenerator<PredictionBatch> {
  for (let k = 0; k < count; k++) {
    const each = (_: unknown, i: number): number => k * 3000 + i;
    yield {
      timestamp: Float64Array.from({ length: 3000 }, (_, i) => each(_, i) * 1e6),
      row: Int32Array.from({ length: 3000 }, each),
      part: Array(3000).fill("test"),
      label: new Int8Array(3000),
      p_short: Float32Array.from({ length: 3000 }, (_, i) => Math.fround(1 / (1 + each(_, i)))),
      return: new Float64Array(3000),
    };
  }
}

async function readParquet(path: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const sql = "SELECT epoch_us(timestamp), row, part, label, p_short, return FROM read_parquet(?)";
  const rows = (await connection.runAndReadAll(sql, [path])).getRows();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

describe("writePredictions", () => {
  it("writes CSV with ISO stamps, empty nulls and the shortest digits of a float32", async () => {
    const path = join(temporaryFolder(), "deep", "out.csv");
    expect(await writePredictions(path, COLUMNS, [first])).toEqual({ rows: 3 });
    expect(readFileSync(path, "utf8")).toBe(
      [
        "timestamp,row,part,label,p_short,return",
        "2024-01-01T00:00:00Z,0,test,-1,0.1,0.1",
        '2024-01-01T00:00:00.250000Z,1,"odd ""part"", really",1,1.0,-1e-09',
        ",2,test,,0.33333334,",
        "",
      ].join("\n"),
    );
  });

  it("streams many batches to Parquet, in order and exactly", async () => {
    const path = join(temporaryFolder(), "out.parquet");
    expect(await writePredictions(path, COLUMNS, many(20))).toEqual({ rows: 60_000 });
    const rows = await readParquet(path);
    expect(rows).toHaveLength(60_000);
    expect(rows[59_999]).toEqual([59_999_000_000n, 59_999, "test", 0, Math.fround(1 / 60_000), 0]);
    expect(rows.every(([, row], i) => row === i)).toBe(true);
  });

  it("keeps nulls null in Parquet", async () => {
    const path = join(temporaryFolder(), "out.parquet");
    await writePredictions(path, COLUMNS, [first]);
    expect((await readParquet(path))[2]).toEqual([null, 2, "test", null, Math.fround(1 / 3), Number.NaN]);
  });

  it("writes a header for no rows at all", async () => {
    const path = join(temporaryFolder(), "out.csv");
    expect(await writePredictions(path, COLUMNS, [])).toEqual({ rows: 0 });
    expect(readFileSync(path, "utf8")).toBe("timestamp,row,part,label,p_short,return\n");
  });

  it("leaves nothing when the batches fail in the middle, and passes their error on", async () => {
    const folder = temporaryFolder();
    async function* failing(): AsyncGenerator<PredictionBatch> {
      yield first;
      throw new Error("the model failed");
    }
    await expect(writePredictions(join(folder, "out.parquet"), COLUMNS, failing())).rejects.toThrow("the model failed");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses an extension that it does not write", async () => {
    expect((await failureOf(writePredictions("out.json", COLUMNS, []))).code).toBe("usage.bad_extension");
  });
});

describe("readAnswers", () => {
  const answers: PredictionBatch = {
    timestamp: Float64Array.of(5e6, 6e6, 7e6),
    row: Int32Array.of(0, 1, 2),
    part: ["oof", "test", "oof"],
    fold: Int8Array.of(0, 0, 1),
    repeat: new Int8Array(3),
    label: Int8Array.of(-1, 1, NO_LABEL),
    label_end: Float64Array.of(8e6, 9e6, Number.NaN),
    prediction: new Int8Array(3),
    p_short: Float32Array.of(0.1, 0.2, 0.3),
    p_neutral: Float32Array.of(0.6, 0.6, 0.6),
    p_long: Float32Array.of(0.3, 0.2, 0.1),
    confidence: new Float32Array(3),
    set_short: new Int8Array(3).fill(NO_LABEL),
    set_neutral: new Int8Array(3).fill(NO_LABEL),
    set_long: new Int8Array(3).fill(NO_LABEL),
    signal: new Int8Array(3).fill(NO_LABEL),
  };

  it("reads the labelled rows of one part as they were written", async () => {
    const path = join(temporaryFolder(), "oof.parquet");
    await writePredictions(path, PREDICTION_COLUMNS, [answers, answers]);
    expect(await readAnswers(path, "oof")).toEqual({
      timestamps: Float64Array.of(5e6, 5e6),
      labelEnds: Float64Array.of(8e6, 8e6),
      labels: Int8Array.of(-1, -1),
      p: Float32Array.of(0.1, 0.6, 0.3, 0.1, 0.6, 0.3),
    });
  });

  it("refuses what is missing, damaged or holds no predictions", async () => {
    const path = join(temporaryFolder(), "other.parquet");
    expect((await failureOf(readAnswers(path, "oof"))).category).toBe("data");
    await writePredictions(path, COLUMNS, [first]);
    expect((await failureOf(readAnswers(path, "oof"))).code).toBe("data.no_predictions");
    writeFileSync(path, readFileSync(path).subarray(0, 200));
    expect((await failureOf(readAnswers(path, "oof"))).code).toBe("data.truncated_parquet");
  });
});
