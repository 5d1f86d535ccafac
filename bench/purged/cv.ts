import { rmSync } from "node:fs";
import { join } from "node:path";
import { resolveTrainingConfig } from "../../src/config/index.js";
import { openStored } from "../../src/data/index.js";
import { cvRun, planCv } from "../../src/training/index.js";
import type { StoredDataset } from "../../src/types/index.js";
import { stopSlice } from "../../src/validation/index.js";
import { benchFolder, ensureDataset, HORIZON, SYMBOL } from "../lib/dataset.js";
import { ALLOWED_SECONDS, type Figure, inSeconds } from "../lib/figure.js";
import { fitReference, type Rows, referenceOf } from "../lib/fits.js";
import { interleavedPairs, median, seconds } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";

const MODEL = "lightgbm";

/**
 * A purged 5-fold cross-validation, from the call to the report (workers started, five fits, answers for every tested row,
 * bootstrap, trading, baselines), against a Python process that makes the five fits on the same rows and nothing else.
 */
export async function cvFigures(pairs: number): Promise<Figure[]> {
  return [await cvFigure(pairs, 1), await cvFigure(pairs, 2)];
}

/** Two workers have half of the cores each. */
async function cvFigure(pairs: number, workers: number): Promise<Figure> {
  const { folder } = await ensureDataset();
  const data = join(folder, "datasets");
  const store = join(folder, "store");
  const dataset = await openStored({ symbol: SYMBOL, data, store });
  const folds = foldsOf(dataset);
  const runsDir = join(benchFolder(), "cv-runs");
  const rounds = { ours: [] as number[], reference: [] as number[] };
  try {
    const times = await interleavedPairs(
      pairs,
      (pair) =>
        seconds(async () => {
          const { reports } = await cvRun({
            models: [MODEL],
            symbols: [SYMBOL],
            horizons: [HORIZON],
            data,
            store,
            runsDir,
            cwd: benchFolder(),
            command: "bench cv",
            flags: { workers },
            runId: `cv-${process.pid}-${workers}-${pair}`,
          });
          rounds.ours = reports[0]!.folds.map(({ best_epoch }) => best_epoch);
        }),
      () =>
        seconds(async () => {
          const reference = await Reference.start(referenceOf(MODEL));
          rounds.reference = [];
          for (const rows of folds) {
            const w = join(dataset.dir, `w_h${HORIZON}.npy`);
            rounds.reference.push((await fitReference(reference, dataset, { model: MODEL, rows }, { w })).rounds);
          }
          await reference.close();
        }),
    );
    const [ours, direct] = [median(times.ours), median(times.reference)];
    const same = String(rounds.ours) === String(rounds.reference);
    return {
      figure: `${MODEL}, purged 5-fold cross-validation, ${workers === 1 ? "one worker" : "two workers"}, ${folds[0]!.train.length} rows fitted a fold, call to report${
        same ? "" : `; rounds ${rounds.ours} and ${rounds.reference}`
      }`,
      ours: inSeconds(ours),
      reference: `${inSeconds(direct)} five direct fits`,
      measured: `ratio ${(ours / direct).toFixed(3)}`,
      target: "≤ 1.05",
      met: same && ours <= 1.05 * direct + ALLOWED_SECONDS,
    };
  } finally {
    rmSync(runsDir, { recursive: true, force: true });
  }
}

/** The rows that `cvRun` fits and stops on. */
function foldsOf(dataset: StoredDataset): Rows[] {
  const plan = planCv(dataset, resolveTrainingConfig({ cwd: benchFolder() }).config.validation, undefined, null);
  return plan.folds.map(({ train }) => {
    const { fit, stop } = stopSlice(plan, train);
    return { train: fit, stop };
  });
}
