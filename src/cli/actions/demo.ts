import { join } from "node:path";
import { symbolMarket } from "../../config/index.js";
import { writeDemoData } from "../../data/demo/index.js";
import { packageRoot } from "../../files/index.js";
import { loadModel, predictFile } from "../../inference/index.js";
import { formatSummary, prepareConfigSchema, prepareDataset } from "../../prepare/index.js";
import { formatLeaderboard, formatTuningReport } from "../../report/index.js";
import { type TrainRunResult, type TuneRunResult, trainRun, tuneRun } from "../../training/index.js";
import type { CommandContext } from "../command.js";
import type { DemoOptions } from "../demo.js";
import { bestJob, byCalibrate } from "./outcome.js";

const HORIZON = 20;
const MES_BARS = 20_000;
/** What is tuned for show: a real study holds fifty trials. */
const TUNED = { model: "lightgbm", symbol: "SPX", trials: 8, folds: 3 };

interface Series {
  symbol: string;
  title: string;
  /** Bars; what to make them with is decided when the folder is known. */
  bars: (folder: string) => Promise<string> | string;
}

const SERIES: readonly Series[] = [
  {
    symbol: "SPX",
    title: "S&P 500, daily, 1999–2018 (real bars)",
    bars: () => join(packageRoot(), "examples", "data", "sp500_daily.csv"),
  },
  {
    symbol: "MES",
    title: "MES, five minutes (SYNTHETIC bars with a planted weak signal)",
    bars: (folder) => writeDemoData({ symbol: "MES", bars: MES_BARS, bar: "5m", seed: 7, out: join(folder, "bars") }),
  },
];

export async function demo(context: CommandContext, { out }: DemoOptions): Promise<number> {
  const { output } = context;
  const results: TrainRunResult[] = [];
  for (const series of SERIES) results.push(await trainOn(series, context, out));
  output.print("\n── What came out ────────────────────────────────────────────────");
  for (const { reports } of results) {
    output.print(`\n${formatLeaderboard(reports).trimEnd()}`);
    for (const report of byCalibrate(reports)) output.print(`  ${report.model_name}: ${report.head_line}`);
  }
  const tuned = await tuneOne(context, out);
  const synthetic = results.at(-1);
  const predicted = synthetic === undefined ? null : await predictOnce(synthetic, context, out);
  output.print("\n── Where everything lies ────────────────────────────────────────");
  output.print(`datasets     ${join(out, "data", "datasets")}`);
  for (const { run } of results)
    output.print(`run          ${run.dir}  (models/, reports/, predictions/, config.yaml)`);
  for (const { study, files } of tuned.reports) {
    output.print(`study        ${study.file}  (optuna-dashboard reads it)`);
    output.print(`tuned        ${join(tuned.run.dir, files.config)}`);
  }
  if (predicted !== null) output.print(`predictions  ${predicted}`);
  output.print("\nYour own bars: foldwise prepare BARS.csv --symbol NAME --bar-time open|close");
  output.result({
    event: "finished",
    status: "succeeded",
    runs: results.map(({ run, reports }) => ({ run_id: run.id, run_dir: run.dir, reports })),
    tuning: { run_id: tuned.run.id, run_dir: tuned.run.dir, reports: tuned.reports },
    predictions: predicted,
  });
  return [...results, tuned].every(({ run }) => run.file.status === "succeeded") ? 0 : 1;
}

async function trainOn(
  { symbol, title, bars }: Series,
  { output, signal, cwd }: CommandContext,
  out: string,
): Promise<TrainRunResult> {
  output.print(`\n── ${title} ──`);
  const data = join(out, "data");
  const summary = await prepareDataset({
    input: await bars(out),
    symbol,
    config: prepareConfigSchema.parse({}),
    market: symbolMarket(symbol, cwd),
    barTime: "close",
    out: data,
    layouts: ["series"],
    cwd,
    onEvent: output.event,
    signal,
  });
  output.print(formatSummary(summary));
  return trainRun({
    cwd,
    command: "foldwise demo",
    models: ["all"],
    symbols: [symbol],
    horizons: [HORIZON],
    data: join(data, "datasets"),
    store: join(out, "store"),
    runsDir: join(out, "runs"),
    onEvent: output.event,
    signal,
  });
}

/** A short study of one model. The leaderboard has opened the test part; tuning looks at the other rows only, and leaves it closed. */
async function tuneOne({ output, signal, cwd }: CommandContext, out: string): Promise<TuneRunResult> {
  const { model, symbol, trials, folds } = TUNED;
  output.print(`\n── Tuning ${model} on ${symbol}: ${trials} trials of ${folds} purged folds, test part closed ──`);
  const result = await tuneRun({
    cwd,
    command: "foldwise demo",
    models: [model],
    symbols: [symbol],
    horizons: [HORIZON],
    data: join(out, "data", "datasets"),
    store: join(out, "store"),
    runsDir: join(out, "runs"),
    studies: join(out, "studies"),
    // A second tour begins anew.
    fresh: true,
    noTest: true,
    flags: { "tuning.trials": trials, "validation.folds": folds },
    onEvent: output.event,
    signal,
  });
  output.print("");
  for (const report of result.reports) output.print(formatTuningReport(report).trimEnd());
  return result;
}

/** The last hours of bars through one bundle, as a live service would: raw bars in, probabilities out, no Python. */
async function predictOnce(
  { run, reports }: TrainRunResult,
  { output, signal, cwd }: CommandContext,
  out: string,
): Promise<string | null> {
  const job = bestJob(run.file.jobs, reports);
  if (job === undefined || job.bundle === null) return null;
  const model = await loadModel(join(run.dir, job.bundle));
  const path = join(out, "predictions.csv");
  const start = performance.now();
  const bars = join(out, "bars", "MES_synthetic_5m.csv");
  const { rows } = await predictFile({ model, source: { kind: "bars", path: bars }, out: path, cwd, signal });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const bar = new Float32Array((model.seqLen ?? 1) * model.featureNames.length);
  const calls = 2_000;
  const began = performance.now();
  for (let i = 0; i < calls; i += 1) await (model.seqLen === null ? model.predictRow(bar) : model.predictWindow(bar));
  const micros = ((performance.now() - began) / calls) * 1000;
  output.print("\n── Predicting in plain Node, without Python ─────────────────────");
  output.print(`${job.job}: ${rows} rows from raw bars in ${seconds} s; one row takes ${micros.toFixed(0)} µs`);
  await model.close();
  return path;
}
