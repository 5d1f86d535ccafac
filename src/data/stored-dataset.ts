import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { type NpyData, type NpyDtype, npyHeader, readFully, readNpy } from "../files/index.js";
import { type DatasetManifest, FoldwiseError, type StoredDataset, type Timestamps } from "../types/index.js";
import { fromInt64 } from "./int64.js";
import { readManifest } from "./manifest.js";

const BYTES: Record<NpyDtype, number> = { "<f4": 4, "<f8": 8, "|i1": 1, "<i4": 4, "<i8": 8 };

/** Every array of a store folder, with type and shape. */
export function arraysOf(manifest: DatasetManifest): { name: string; dtype: NpyDtype; shape: number[] }[] {
  const rows = [manifest.rows];
  return [
    { name: "X", dtype: "<f4", shape: [manifest.rows, manifest.features.length] },
    { name: "t", dtype: "<i8", shape: rows },
    { name: "piece", dtype: "<i4", shape: rows },
    ...(manifest.hasEntryPrice ? [{ name: "entry_price", dtype: "<f8" as const, shape: rows }] : []),
    ...manifest.horizons.flatMap((horizon) => [
      { name: `y_h${horizon}`, dtype: "|i1" as const, shape: rows },
      { name: `t_end_h${horizon}`, dtype: "<i8" as const, shape: rows },
      { name: `w_h${horizon}`, dtype: "<f4" as const, shape: rows },
    ]),
    ...manifest.returns.map((horizon) => ({ name: `r_h${horizon}`, dtype: "<f4" as const, shape: rows })),
  ];
}

/** Opens a store folder; null where its manifest or an array is missing or has another size than announced. */
export function openEntry(dir: string): StoredDataset | null {
  const manifest = readManifest(join(dir, "manifest.json"));
  if (manifest === null) return null;
  for (const { name, dtype, shape } of arraysOf(manifest)) {
    const bytes = npyHeader(dtype, shape).length + shape.reduce((product, n) => product * n, BYTES[dtype]);
    if (statSync(join(dir, `${name}.npy`), { throwIfNoEntry: false })?.size !== bytes) return null;
  }
  return new StoreEntry(dir, manifest);
}

class StoreEntry implements StoredDataset {
  private readonly cache = new Map<string, unknown>();

  constructor(
    readonly dir: string,
    readonly manifest: DatasetManifest,
  ) {}

  timestamps(): Timestamps {
    return this.cached("t", () => fromInt64(this.array("t", "<i8")));
  }

  piece(): Int32Array {
    return this.cached("piece", () => this.array("piece", "<i4"));
  }

  labels(horizon: number): Int8Array {
    this.checkHorizon(horizon);
    return this.cached(`y_h${horizon}`, () => this.array(`y_h${horizon}`, "|i1"));
  }

  labelEnds(horizon: number): Timestamps {
    this.checkHorizon(horizon);
    return this.cached(`t_end_h${horizon}`, () => fromInt64(this.array(`t_end_h${horizon}`, "<i8")));
  }

  weights(horizon: number): Float32Array {
    this.checkHorizon(horizon);
    return this.cached(`w_h${horizon}`, () => this.array(`w_h${horizon}`, "<f4"));
  }

  returns(horizon: number): Float32Array | null {
    if (!this.manifest.returns.includes(horizon)) return null;
    return this.cached(`r_h${horizon}`, () => this.array(`r_h${horizon}`, "<f4"));
  }

  entryPrice(): Float64Array | null {
    return this.manifest.hasEntryPrice ? this.cached("entry_price", () => this.array("entry_price", "<f8")) : null;
  }

  async readRows(rows: Int32Array): Promise<Float32Array> {
    const F = this.manifest.features.length;
    const values = new Float32Array(rows.length * F);
    const offset = npyHeader("<f4", [this.manifest.rows, F]).length;
    const fd = openSync(join(this.dir, "X.npy"), "r");
    try {
      for (let from = 0; from < rows.length; ) {
        const first = rows[from]!;
        let to = from + 1;
        while (to < rows.length && rows[to] === first + to - from) to++;
        if (first < 0 || first + to - from > this.manifest.rows) {
          throw new RangeError(`rows ${first} to ${first + to - from - 1} of a dataset of ${this.manifest.rows} rows`);
        }
        readFully(fd, new Uint8Array(values.buffer, from * F * 4, (to - from) * F * 4), offset + first * F * 4);
        from = to;
      }
    } finally {
      closeSync(fd);
    }
    return values;
  }

  private checkHorizon(horizon: number): void {
    const { horizons, symbol } = this.manifest;
    if (horizons.includes(horizon)) return;
    throw new FoldwiseError("data.unknown_horizon", `The dataset of ${symbol} has no labels at horizon ${horizon}.`, {
      remedy:
        horizons.length === 0
          ? "Add label columns, or make the dataset with `foldwise prepare`."
          : `Choose one of ${horizons.join(", ")}, or prepare the dataset with this horizon.`,
      details: { got: horizon, allowed: horizons },
    });
  }

  private array<D extends NpyDtype>(name: string, dtype: D): NpyData<D> {
    return readNpy(join(this.dir, `${name}.npy`), dtype).data;
  }

  private cached<T>(key: string, read: () => T): T {
    if (!this.cache.has(key)) this.cache.set(key, read());
    return this.cache.get(key) as T;
  }
}
