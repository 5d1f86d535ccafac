import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { packageRoot, writeFileAtomic } from "../../src/files/index.js";
import { tuneRun } from "../../src/training/index.js";
import { seededRandom } from "../../src/types/index.js";
import { benchFolder } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { median } from "../lib/pairs.js";

const TRIALS = 50;
const SEEDS = 10;
const ROWS = 2000;
const SYMBOL = "TOY";
const HORIZON = 1;
/** Of `bowl.js`: the log-loss at its optimum. */
const LEAST = -Math.log(0.98);

/** TPE beside random search, each with fifty trials of the model of `bowl.js`, whose best log-loss is known; ten seeds in pairs. */
export async function samplerFigures({ small }: { small: boolean }): Promise<Figure[]> {
  const cwd = join(benchFolder(), "bowl");
  rmSync(cwd, { recursive: true, force: true });
  const data = writeRows(cwd);
  // Far apart: a trial's own seed is the study's plus its slot, so that studies of neighbouring seeds draw almost the same.
  const seeds = Array.from({ length: small ? 2 : SEEDS }, (_, i) => 1000 * (i + 1));
  const regrets = { tpe: [] as number[], random: [] as number[] };
  for (const seed of seeds) {
    for (const sampler of ["tpe", "random"] as const) {
      const { reports } = await tuneRun({
        models: ["bowl"],
        symbols: [SYMBOL],
        horizons: [HORIZON],
        plugins: [join(packageRoot(), "bench", "tune", "bowl.js")],
        data,
        store: join(cwd, "store"),
        runsDir: join(cwd, "runs"),
        studies: join(cwd, `studies-${sampler}-${seed}`),
        cwd,
        command: "bench tune",
        flags: { "tuning.trials": TRIALS, "tuning.sampler": sampler, "validation.folds": 2, seed },
        runId: `${sampler}-${seed}`,
      });
      regrets[sampler].push(reports[0]!.best.value - LEAST);
    }
    console.error(
      `  seed ${seed}: ${regrets.tpe.at(-1)!.toFixed(4)} and ${regrets.random.at(-1)!.toFixed(4)} above the least`,
    );
  }
  const wins = regrets.tpe.filter((regret, i) => regret < regrets.random[i]!).length;
  const [tpe, random] = [median(regrets.tpe), median(regrets.random)];
  return [
    {
      figure: `TPE against random, ${TRIALS} trials of a model whose least log-loss is known (${LEAST.toFixed(4)}), five parameters, ${seeds.length} seeds: median regret of the best`,
      ours: tpe.toFixed(4),
      reference: `${random.toFixed(4)} random`,
      measured: `better in ${wins} of ${seeds.length}`,
      target: "TPE beats random",
      met: wins > seeds.length / 2 && tpe < random,
    },
  ];
}

/** One feature whose sign is the label. */
function writeRows(cwd: string): string {
  const folder = join(cwd, "data");
  mkdirSync(folder, { recursive: true });
  const random = seededRandom(1);
  const lines = Array.from({ length: ROWS }, (_, i) => {
    const label = random.int(3) - 1;
    return [new Date(Date.UTC(2024, 0, 1) + 300_000 * i).toISOString(), label, label].join(",");
  });
  writeFileAtomic(join(folder, `${SYMBOL}.csv`), `${[`timestamp,label_h${HORIZON},sign`, ...lines].join("\n")}\n`);
  return folder;
}
