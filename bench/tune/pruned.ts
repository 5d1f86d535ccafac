import { join } from "node:path";
import { blockLength, pairedDifference } from "../../src/evaluation/index.js";
import { packageRoot } from "../../src/files/index.js";
import { labelDurations } from "../../src/labels/index.js";
import { HORIZON } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { SEED } from "../lib/fits.js";
import { median, seconds } from "../lib/pairs.js";
import { sizeOf, type TuneData, tuneData } from "./data.js";
import { lightgbm, type PlainTrial, plainFits, warmPool } from "./plain.js";
import { type Searched, searchTo } from "./search.js";

/** A worker of the same model that bins the rows of every fit anew. */
const uncached = () => ({
  ...lightgbm(),
  adapter: join(packageRoot(), "bench", "tune", "lightgbm_uncached.py"),
});

/**
 * A search with pruning and shared quantised data beside the configurations that it drew, each fitted to its end and binned for
 * itself. A search without pruning would draw others: its sampler sees other values.
 */
export async function prunedFigures(
  options: { pairs: number; small: boolean; rows: number },
  pruner: "race" | "median",
): Promise<Figure[]> {
  const { rows, trials } = sizeOf(options);
  const data = await tuneData(rows);
  const definition = uncached();
  const [ours, plain] = [[] as number[], [] as number[]];
  const verdicts: { text: string; noise: boolean }[] = [];
  let pruned = 0;
  for (let pair = 0; pair < options.pairs; pair++) {
    const seed = SEED + pair;
    const searched = await searchTo(data, { name: `p${pair}`, trials, pruner, seed });
    const pool = await warmPool(definition, data.cwd);
    try {
      let fits: PlainTrial[] = [];
      plain.push(
        await seconds(async () => {
          fits = await plainFits(data, searched.report.trials, { definition, pool, run: searched.run, seed });
        }),
      );
      ours.push(searched.report.seconds.search);
      pruned += searched.report.counts.pruned / options.pairs;
      verdicts.push(beside(data, searched, fits));
    } finally {
      await pool.close();
    }
  }
  const ratio = median(ours.map((each, i) => each / plain[i]!));
  return [
    {
      figure: `${trials} trials, pruned by ${pruner} (${pruned.toFixed(0)} of them) and on shared data, against the same ones without either, ${rows} rows`,
      ours: `${median(ours).toFixed(1)} s`,
      reference: `${median(plain).toFixed(1)} s`,
      measured: `ratio ${ratio.toFixed(2)}`,
      target: "≤ 0.5",
      met: ratio <= 0.5,
    },
    {
      figure: "the best of those, out-of-fold log-loss, against the best of all fitted to the end",
      ours: verdicts.map(({ text }) => text).join("; "),
      reference: "",
      measured: verdicts.every(({ noise }) => noise) ? "within noise" : "WORSE",
      target: "within noise",
      met: verdicts.every(({ noise }) => noise),
    },
  ];
}

/** The pruned search's winner beside the best of the whole fits: the same, or with the paired interval of their row losses. */
function beside(data: TuneData, { report }: Searched, fits: readonly PlainTrial[]): { text: string; noise: boolean } {
  const whole = fits.reduce((best, each) => (each.value < best.value ? each : best));
  const own = fits.find(({ slot }) => slot === report.best.slot)!;
  if (Math.abs(own.value - report.best.value) > 1e-9)
    return { text: `trial ${own.slot} has another value as plain fits`, noise: false };
  if (own.slot === whole.slot) return { text: `${own.value.toFixed(4)}, the same trial`, noise: true };
  const { dataset, plan } = data;
  const tested = Int32Array.from(plan.folds.flatMap(({ test }) => [...test]));
  const durations = labelDurations(dataset.timestamps(), dataset.labelEnds(HORIZON), tested);
  const block = blockLength(durations, tested.length);
  const { interval } = pairedDifference(own.losses, whole.losses, { block, seed: SEED });
  const bounds = [interval.lower, interval.upper].map((bound) => bound.toFixed(4)).join(", ");
  return { text: `${own.value.toFixed(4)} against ${whole.value.toFixed(4)} [${bounds}]`, noise: interval.lower <= 0 };
}
