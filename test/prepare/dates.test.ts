import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStored } from "../../src/data/index.js";
import {
  formatSummary,
  type PrepareSummary,
  prepareConfigSchema,
  prepareDataset,
  rowsFromBarsFile,
} from "../../src/prepare/index.js";
import type { PipelineSpec, StoredDataset } from "../../src/types/index.js";
import { randomBars } from "../labels/random-bars.js";
import { temporaryFolder, writeBars } from "./bars-file.js";

const open = (folder: string): Promise<StoredDataset> =>
  openStored({ symbol: "TEST", data: join(folder, "datasets"), store: join(folder, "store") });

const allRows = (dataset: StoredDataset): Promise<Float32Array> =>
  dataset.readRows(new Int32Array(dataset.manifest.rows).map((_, row) => row));

const pipelineOf = ({ manifest: { pipeline } }: StoredDataset): PipelineSpec =>
  pipeline ?? expect.fail("the dataset has no pipeline");

describe("dates with slashes", () => {
  /** 800 bars of two hours from New Year on: 67 days. */
  const bars = randomBars(800, 21);
  const start = Date.parse("2024-01-01T02:00:00Z") * 1000;
  bars.timestamp.set(bars.timestamp.map((_, t) => start + t * 7_200_000_000));
  const config = prepareConfigSchema.parse({ features: { include: ["log_return_*", "rsi_*"] }, horizons: [3] });
  const prepare = (out: string, input: string): Promise<PrepareSummary> =>
    prepareDataset({ input, symbol: "TEST", config, barTime: "close", out, layouts: ["series"] });
  const slashed = (path: string, from = 0, to = bars.n): string => {
    const [head, ...lines] = readFileSync(writeBars(path, bars, from, to), "utf8")
      .trim()
      .split("\n");
    const dated = lines.map((line) => line.replace(/^(\d+)-(\d+)-(\d+)T(\d+:\d+):[^,]*/, "$3/$2/$1 $4"));
    writeFileSync(path, [head, ...dated].join("\n"));
    return path;
  };

  it("written day first give the rows that ISO stamps give, and so do later bars that alone would not tell", async () => {
    const [iso, dmy] = [temporaryFolder(), temporaryFolder()];
    await prepare(iso, writeBars(join(iso, "b.csv"), bars));
    const summary = await prepare(dmy, slashed(join(dmy, "b.csv")));
    expect(summary.dateOrder).toEqual({ order: "dmy", by: "told" });
    expect(formatSummary(summary)).toMatch(/zone UTC, dates day first\./);
    const [a, b] = [await open(iso), await open(dmy)];
    expect([...b.timestamps()]).toEqual([...a.timestamps()]);
    expect(await allRows(b)).toEqual(await allRows(a));
    expect(pipelineOf(a).dateOrder).toBe(undefined);
    expect(pipelineOf(b).dateOrder).toBe("dmy");

    // 1 to 8 January and 1 to 8 March: each fits both orders.
    const first = slashed(join(dmy, "first.csv"), 0, 90);
    const rows = await rowsFromBarsFile(pipelineOf(b), first);
    expect([...rows.timestamps]).toEqual([...bars.timestamp.subarray(pipelineOf(b).warmup, 90)]);
    await expect(rowsFromBarsFile(pipelineOf(a), first)).rejects.toMatchObject({ code: "data.ambiguous_dates" });
    const said = await rowsFromBarsFile(pipelineOf(a), first, { dateOrder: "dmy" });
    expect([...said.timestamps]).toEqual([...rows.timestamps]);
  });
});
