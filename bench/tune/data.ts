import { rmSync } from "node:fs";
import { join } from "node:path";
import { type ResolvedModel, resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { openStored } from "../../src/data/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { type CvPlan, planCv } from "../../src/training/index.js";
import type { StoredDataset } from "../../src/types/index.js";
import { benchFolder, ensureDataset, SYMBOL } from "../lib/dataset.js";

export const MODEL = "lightgbm";
export const FOLDS = 3;
/** Rows of train and validation, which trials are fitted and tested on. */
export const DEFAULT_ROWS = 20_000;
const SMALL_ROWS = 2000;

export interface TuneSize {
  rows: number;
  trials: number;
}

export const sizeOf = ({ small, rows }: { small: boolean; rows: number }): TuneSize =>
  small ? { rows: SMALL_ROWS, trials: 10 } : { rows, trials: 30 };

/** What trials of `MODEL` are made of, here and in `tune`. */
export interface TuneData {
  /** Working folder, with the user's configuration: none. */
  cwd: string;
  runsDir: string;
  data: string;
  store: string;
  dataset: StoredDataset;
  plan: CvPlan;
  /** Without tuning. */
  defaults: ResolvedModel;
}

/** Train and validation together have so many rows; runs of earlier measurements are gone. */
export async function tuneData(rows: number): Promise<TuneData> {
  const { folder } = await ensureDataset(Math.ceil(rows / 0.85));
  const [data, store] = [join(folder, "datasets"), join(folder, "store")];
  const dataset = await openStored({ symbol: SYMBOL, data, store });
  const cwd = join(benchFolder(), "tune");
  rmSync(cwd, { recursive: true, force: true });
  const training = resolveTrainingConfig({ cwd: benchFolder(), flags: { "validation.folds": FOLDS } });
  return {
    cwd,
    runsDir: join(cwd, "experiments", "runs"),
    data,
    store,
    dataset,
    plan: planCv(dataset, training.config.validation, undefined, null),
    defaults: resolveModelConfig(ModelRegistry.getModel(MODEL), { training }),
  };
}
