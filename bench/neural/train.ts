import { rmSync } from "node:fs";
import { join } from "node:path";
import { Run } from "../../src/artifacts/index.js";
import { readReports } from "../../src/training/index.js";
import { foldwise } from "../lib/cli.js";
import { benchFolder, ensureDataset, HORIZON, SYMBOL } from "../lib/dataset.js";
import { type Figure, inMebibytes } from "../lib/figure.js";
import { SEED } from "../lib/fits.js";
import { median } from "../lib/pairs.js";

export const SEQUENCE = ["lstm", "gru", "tcn", "transformer"] as const;
const MOST_SECONDS = 8 * 60;
/** Bytes of a worker that fits one of them. */
export const MOST_MEMORY = 1.2e9;

/** The four in one `foldwise train` of the built command. */
export async function trainSequence(id: string, more: readonly string[]): Promise<Run> {
  const { folder } = await ensureDataset();
  const cwd = join(benchFolder(), "neural");
  const runs = join(cwd, "experiments", "runs");
  rmSync(join(runs, id), { recursive: true, force: true });
  const asked = ["--model", SEQUENCE.join(","), "--symbol", SYMBOL, "--horizon", String(HORIZON), "--run-id", id];
  const settings = ["--preset", "reference", "--seed", String(SEED), "--data", join(folder, "datasets"), ...more];
  await foldwise(["train", ...asked, ...settings], cwd);
  return Run.open(runs, id);
}

/** `foldwise train` of the four to early stopping, at the table's sizes (`--preset reference`). */
export async function wholeFigures({ pairs, small }: { pairs: number; small: boolean }): Promise<Figure[]> {
  const totals: number[] = [];
  const jobs = new Map<string, { seconds: number[]; peak: number; epochs: string }>();
  for (let time = 0; time < pairs; time++) {
    const start = performance.now();
    const run = await trainSequence("whole", small ? ["--set", "training.neural.max_epochs=2"] : []);
    totals.push((performance.now() - start) / 1000);
    const read = readReports(run);
    for (const { training_metrics, ...report } of read.kind === "train" ? read.reports : []) {
      const job = jobs.get(report.model_name) ?? { seconds: [], peak: 0, epochs: "" };
      job.seconds.push(run.file.jobs.find(({ model }) => model === report.model_name)?.seconds ?? Number.NaN);
      job.peak = Math.max(job.peak, report.peak_memory_bytes ?? 0);
      job.epochs = `${training_metrics.total_epochs} epochs, best ${training_metrics.best_epoch}`;
      jobs.set(report.model_name, job);
    }
  }
  const each = [...jobs].map(
    ([model, { seconds, peak, epochs }]): Figure => ({
      figure: `${model} in it: ${epochs}`,
      ours: `${median(seconds).toFixed(1)} s, worker ${inMebibytes(peak)}`,
      reference: "",
      measured: inMebibytes(peak),
      target: "≤ 1.2 GB",
      met: peak <= MOST_MEMORY,
    }),
  );
  const total = median(totals);
  return [
    {
      figure: "all four in one `foldwise train` to early stopping, Parquet to bundles and reports",
      ours: `${total.toFixed(0)} s`,
      reference: "",
      measured: `${(total / 60).toFixed(1)} min`,
      target: "≤ 8 min",
      met: total <= MOST_SECONDS,
    },
    ...each,
  ];
}
