/** A sequence bundle on files: raw bars, prepared rows in either layout, and one part of them, against `predict` on a view. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openStored, viewOf } from "../../src/data/index.js";
import { loadModel, type PredictSource, predictFile, type ServedModel } from "../../src/inference/index.js";
import { prepareConfigSchema, prepareDataset } from "../../src/prepare/index.js";
import { type ProgressEvent, type StoredDataset, seededRandom } from "../../src/types/index.js";
import { folder } from "./fixtures.js";
import { sequenceBundle, series } from "./sequences.js";

const MINUTE = 60_000_000;
const BARS = 6000;
const NAMES = ["rsi_14", "roc_12", "macd_histogram"];

/** Bars by the minute: holes of 5 minutes are bridged, those of 30 begin a piece. */
function writeBars(path: string): void {
  const random = seededRandom(11);
  let price = 100;
  let stamp = Date.UTC(2024, 0, 1) * 1000;
  const lines = ["timestamp,open,high,low,close,volume"];
  for (let i = 0; i < BARS; i++) {
    stamp += MINUTE * (i % 1000 === 999 && i < BARS - 1 ? 31 : i % 700 === 50 ? 6 : 1);
    const open = price;
    price *= Math.exp(0.002 * (random.next() - 0.5));
    const [high, low] = [Math.max(open, price) * 1.0003, Math.min(open, price) * 0.9997];
    lines.push([new Date(stamp / 1000).toISOString(), open, high, low, price, 100].join(","));
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
}

interface Predicted {
  timestamps: string[];
  rows: number[];
  parts: Set<string>;
  p: Float32Array;
  notices: string[];
}

let root: string;
let model: ServedModel;
let dataset: StoredDataset;
let written = 0;

async function predicted(source: PredictSource, by: ServedModel = model): Promise<Predicted> {
  const out = join(root, `p${written++}.csv`);
  const notices: string[] = [];
  const onEvent = (event: ProgressEvent) => event.event === "notice" && notices.push(event.message);
  const { rows } = await predictFile({ model: by, source, out, onEvent: (event) => void onEvent(event) });
  const [head, ...lines] = readFileSync(out, "utf8").trim().split("\n");
  const cells = lines.map((line) => line.split(","));
  const column = (name: string): string[] => cells.map((cell) => cell[head!.split(",").indexOf(name)]!);
  expect(cells).toHaveLength(rows);
  const columns = ["p_short", "p_neutral", "p_long"].map(column);
  return {
    timestamps: column("timestamp"),
    rows: column("row").map(Number),
    parts: new Set(column("part")),
    p: Float32Array.from({ length: 3 * rows }, (_, i) => Number(columns[i % 3]![Math.floor(i / 3)])),
    notices,
  };
}

/** What `predict` says of dataset rows `from` to `to`. */
async function ofView(from: number, to: number): Promise<{ rows: number[]; p: Float32Array }> {
  const rows = Int32Array.from({ length: to - from }, (_, i) => from + i);
  const output = await model.predict(viewOf(dataset, rows));
  return { rows: [...output.rows!].map((i) => from + i), p: output.probabilities };
}

const worst = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

beforeAll(async () => {
  root = folder();
  const bars = join(root, "bars.csv");
  writeBars(bars);
  await prepareDataset({
    input: bars,
    symbol: "TOY",
    config: prepareConfigSchema.parse({ horizons: [5], features: { include: NAMES, timeframes: [] } }),
    barTime: "close",
    layouts: ["series", "splits"],
    out: root,
  });
  dataset = await openStored({ symbol: "TOY", data: join(root, "datasets"), store: join(root, "store") });
  const { pipeline } = dataset.manifest;
  expect([...dataset.manifest.features].sort()).toEqual([...NAMES].sort());
  // The bundle has the columns in another order than the files.
  model = await loadModel(await sequenceBundle({ features: NAMES, pipeline }));
});

describe("a sequence bundle on files", () => {
  const file = (): PredictSource => ({ kind: "file", path: join(root, "datasets", "TOY.parquet") });

  it("answers the rows that have a window in their piece, as a view's prediction does (1e-6), and tells of the others once", async () => {
    const all = await predicted(file());
    const expected = await ofView(0, dataset.manifest.rows);
    expect(all.rows).toEqual(expected.rows);
    expect(worst(all.p, expected.p)).toBeLessThan(1e-6);
    const pieces = new Set(dataset.piece()).size;
    expect(pieces).toBe(6);
    const left = pieces * (series.seqLen - 1);
    expect(all.rows).toHaveLength(dataset.manifest.rows - left);
    expect(all.notices).toEqual([
      expect.stringMatching(new RegExp(`^${left} of ${dataset.manifest.rows} rows are left`)),
    ]);
  });

  it("answers raw bars as prepared rows (1e-5)", async () => {
    const prepared = await predicted(file());
    const raw = await predicted({ kind: "bars", path: join(root, "bars.csv") });
    expect(raw.timestamps).toEqual(prepared.timestamps);
    expect(worst(raw.p, prepared.p)).toBeLessThan(1e-5);
    expect(raw.notices.filter((notice) => notice.includes("left out"))).toHaveLength(1);
  });

  it.each(["datasets", "splits/scaled"])(
    "answers every row of one part of %s: its windows look back before it",
    async (layout) => {
      const data = join(root, layout);
      for (const part of ["val", "test"] as const) {
        const { start, end } = dataset.manifest.parts[part];
        const of = await predicted({ kind: "dataset", data, symbol: "TOY", part });
        const expected = await ofView(start, end);
        expect(of.rows).toEqual(expected.rows);
        expect(of.rows[0]).toBe(start);
        expect([...of.parts]).toEqual([part]);
        expect(worst(of.p, expected.p)).toBeLessThan(1e-6);
      }
      const whole = await predicted({ kind: "dataset", data, symbol: "TOY", part: "all" });
      expect(whole.rows).toEqual((await ofView(0, dataset.manifest.rows)).rows);
    },
  );

  it("takes a file without pieces for one", async () => {
    const [head, ...lines] = rowsAsCsv();
    const path = join(root, "plain.csv");
    writeFileSync(path, `${[head, ...lines].join("\n")}\n`);
    const { rows, notices } = await predicted({ kind: "file", path });
    expect(rows).toEqual(Array.from({ length: lines.length - 4 }, (_, i) => i + 4));
    expect(notices).toEqual([expect.stringMatching(/^4 of 3000 rows are left out: .* windows of 5 bars/)]);
  });

  it("goes on with a piece that ends in another batch, also where its number comes again", async () => {
    const piece = (row: number): number => (row < 1000 ? 7 : row < 1010 ? 8 : 7);
    const [head, ...lines] = rowsAsCsv();
    const path = join(root, "pieces.csv");
    writeFileSync(path, `${[`${head},piece`, ...lines.map((line, row) => `${line},${piece(row)}`)].join("\n")}\n`);
    const { rows } = await predicted({ kind: "file", path });
    const without = new Set([0, 1, 2, 3, 1000, 1001, 1002, 1003, 1010, 1011, 1012, 1013]);
    expect(rows).toEqual([...lines.keys()].filter((row) => !without.has(row)));
  });

  it("refuses a file whose rows are too few for a window, and writes nothing", async () => {
    const path = join(root, "short.csv");
    writeFileSync(path, `${rowsAsCsv().slice(0, 5).join("\n")}\n`);
    const out = join(root, "nothing.csv");
    await expect(predictFile({ model, source: { kind: "file", path }, out })).rejects.toMatchObject({
      code: "data.no_full_window",
      details: { rows: 4, seqLen: 5 },
    });
    expect(() => readFileSync(out)).toThrow(/ENOENT/);
  });

  it("stops when aborted", async () => {
    const out = join(root, "aborted.csv");
    const predicting = predictFile({ model, source: file(), out, signal: AbortSignal.abort() });
    await expect(predicting).rejects.toMatchObject({ code: "interrupted.aborted" });
  });
});

/** 3 000 rows of noise, more than a batch of the reader. */
function rowsAsCsv(): string[] {
  const random = seededRandom(3);
  const stamp = (row: number): string => new Date(Date.UTC(2024, 0, 1) + 60_000 * row).toISOString();
  const values = () => NAMES.map(() => 50 + 10 * random.normal()).join(",");
  return [`timestamp,${NAMES.join(",")}`, ...Array.from({ length: 3000 }, (_, row) => `${stamp(row)},${values()}`)];
}
