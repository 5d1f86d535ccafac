import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "../../src/artifacts/index.js";
import type { TuningReport } from "../../src/report/index.js";
import { tuneRun } from "../../src/training/index.js";
import { HORIZON, SYMBOL } from "../lib/dataset.js";
import { FOLDS, MODEL, type TuneData } from "./data.js";

export interface SearchOptions {
  /** Names the study; a study of that name goes on. */
  name: string;
  trials: number;
  pruner: "race" | "median" | "none";
  seed: number;
}

export interface Searched {
  report: TuningReport;
  run: Run;
  /** From the call to its report, the search among it. */
  wholeSeconds: number;
}

let runs = 0;

/** `foldwise tune` in this process: one worker with all cores, until the study holds so many trials. */
export async function searchTo(data: TuneData, { name, trials, pruner, seed }: SearchOptions): Promise<Searched> {
  mkdirSync(data.cwd, { recursive: true });
  const start = performance.now();
  const { run, reports } = await tuneRun({
    models: [MODEL],
    symbols: [SYMBOL],
    horizons: [HORIZON],
    data: data.data,
    store: data.store,
    runsDir: data.runsDir,
    studies: join(data.cwd, "experiments", `studies-${name}`),
    cwd: data.cwd,
    command: "bench tune",
    flags: { "tuning.trials": trials, "tuning.pruner": pruner, "validation.folds": FOLDS, seed },
    runId: `${name}-${++runs}`,
  });
  const [report] = reports;
  if (report === undefined) throw new Error(`the tuning run ${run.id} has no report: see ${run.dir}`);
  return { report, run, wholeSeconds: (performance.now() - start) / 1000 };
}
