import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { generateDemoBars } from "../../src/data/demo/index.js";
import { openStored, writeDataset } from "../../src/data/index.js";
import { computeFeatures, featuresConfigSchema, planFeatures } from "../../src/features/index.js";
import { packageRoot } from "../../src/files/index.js";
import { tripleBarrier } from "../../src/labels/index.js";
import { UNKNOWN_HOURS } from "../../src/market/index.js";
import type { HorizonLabels, StoredDataset } from "../../src/types/index.js";

export const ROWS = 104_000;
export const FEATURES = 180;
export const TRAIN_ROWS = 73_000;
/** Stop rows: half of the validation part. */
export const STOP_ROWS = 7_800;
/** The horizon of every figure that needs one. */
export const HORIZON = 20;
/** Bars beyond the rows: warm-up before, horizons behind. */
export const EXTRA_BARS = 6000;
export const HORIZONS = [5, 10, 15, 20] as const;
export const SYMBOL = "MES";

/** Everything that the benches write lies here, and may be deleted at any time. */
export function benchFolder(): string {
  return join(packageRoot(), ".foldwise", "bench-data");
}

/**
 * `{folder}/datasets/MES.parquet`, 104 000 rows × 180 features where no other number is asked for: the real features of synthetic
 * five-minute bars. One piece and every row labelled, so that training rows are consecutive and the reference trains on a view of
 * the array, not on a copy. Made once and kept.
 */
export async function ensureDataset(rows: number = ROWS): Promise<{ folder: string; path: string }> {
  const folder = join(benchFolder(), `spine-${rows}x${FEATURES}-4`);
  const path = join(folder, "datasets", `${SYMBOL}.parquet`);
  if (existsSync(path)) return { folder, path };
  console.error("Making the dataset of the benchmark (once) …");
  const half = `${folder}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  await makeDataset(half, rows);
  renameSync(half, folder);
  return { folder, path };
}

async function makeDataset(out: string, count: number): Promise<void> {
  // Of as many bars for any number of rows: the catalogue leaves out features that take too many of them to warm up.
  const { bars } = generateDemoBars({ symbol: SYMBOL, bars: ROWS + EXTRA_BARS, bar: "5m", seed: 7 });
  const step = 300_000_000;
  const config = featuresConfigSchema.parse({});
  const plan = planFeatures(config, { step, rows: bars.n });
  const { names, X } = computeFeatures(plan, bars);
  if (names.length < FEATURES) throw new Error(`the catalogue has only ${names.length} features`);
  const piece = new Int32Array(bars.n);
  const label = { k: 0.5, entry: "next_open", atrPeriod: 14 } as const;
  const labelled = HORIZONS.map((horizon) => ({ horizon, ...tripleBarrier(bars, { ...label, horizon, piece }) }));
  // The last rows have no full horizon ahead, the first ones no warm features: cut both.
  const end = bars.n - HORIZON;
  const start = end - count;
  if (start < plan.warmup) throw new Error(`the warm-up is ${plan.warmup} bars`);
  const rows = new Float32Array(count * FEATURES);
  for (let i = 0; i < count; i++) {
    const from = (start + i) * names.length;
    rows.set(X.subarray(from, from + FEATURES), i * FEATURES);
  }
  const horizons = labelled.map(
    ({ horizon, labels }): HorizonLabels => ({
      horizon,
      y: labels.y.slice(start, end),
      end: labels.end.slice(start, end),
      w: labels.w.slice(start, end),
      ...(labels.r === undefined ? {} : { r: labels.r.slice(start, end) }),
    }),
  );
  const val = Math.floor(count * 0.7);
  const test = Math.floor(count * 0.85);
  await writeDataset(
    {
      symbol: SYMBOL,
      timestamps: bars.timestamp.slice(start, end),
      featureNames: names.slice(0, FEATURES),
      X: rows,
      horizons,
      entryPrice: labelled[0]!.entryPrice.slice(start, end),
      piece: piece.slice(start, end),
      parts: { train: { start: 0, end: val }, val: { start: val, end: test }, test: { start: test, end: count } },
      pipeline: {
        version: 1,
        symbol: SYMBOL,
        sessions: UNKNOWN_HOURS,
        outsideSession: "drop",
        rolls: [],
        costs: null,
        barTime: "close",
        timeZone: "UTC",
        step,
        maxGap: 10,
        adjust: "none",
        features: { ...plan.spec, names: names.slice(0, FEATURES) },
        labels: {
          horizons: [...HORIZONS],
          entry: label.entry,
          k: Object.fromEntries(HORIZONS.map((horizon) => [horizon, label.k])),
          atrPeriod: label.atrPeriod,
          session: "cross",
        },
        warmup: plan.warmup,
        synthetic: true,
      },
    },
    { out, layouts: ["series"] },
  );
}

/** The dataset in a store of its own. */
export async function openBenchDataset(): Promise<StoredDataset> {
  const { folder } = await ensureDataset();
  return openStored({ symbol: SYMBOL, data: join(folder, "datasets"), store: join(folder, "store") });
}
