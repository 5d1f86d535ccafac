import { join } from "node:path";
import { symbolMarket } from "../../config/index.js";
import { guessedOrder } from "../../data/index.js";
import { formatSummary, type PrepareSummary, prepareDataset } from "../../prepare/index.js";
import { formatLeaderboard, type Report } from "../../report/index.js";
import { cvRun, trainRun } from "../../training/index.js";
import { type BarTime, FoldwiseError } from "../../types/index.js";
import type { CommandContext } from "../command.js";
import type { TryOptions } from "../try.js";
import { byCalibrate } from "./outcome.js";
import { readPrepareConfig } from "./prepareConfig.js";

/** One linear model and one of trees: what they agree on is in the data. */
const MODELS = ["logistic", "lightgbm"];

export async function firstContact(context: CommandContext, options: TryOptions): Promise<number> {
  const { output, signal, cwd } = context;
  const input = context.args[0] ?? "";
  const { summary, guesses } = await prepared(context, input, options);
  output.print(formatSummary(summary));
  if (guesses.length > 0) output.print(`\n${guesses.map((guess) => `Guessed: ${guess}`).join("\n")}`);
  const { symbol, horizon } = options;
  const data = join(options.out, "datasets");
  const request = {
    cwd,
    command: `foldwise try ${input} --symbol ${symbol}`,
    models: MODELS,
    symbols: [symbol],
    horizons: [horizon],
    data,
    // Prepared a moment ago, with or without the flag.
    allowSmall: true,
    flags: { seed: options.seed },
    ...(options.runs === undefined ? {} : { runsDir: options.runs }),
    onEvent: output.event,
    signal,
  };
  const { run, reports } = await trainRun({ ...request, noTest: !options.test });
  const failed = run.file.jobs.filter(({ status }) => status !== "succeeded");
  output.print("");
  if (reports.length > 0) output.print(formatLeaderboard(reports));
  for (const report of byCalibrate(reports)) output.print(`${report.model_name}: ${report.head_line}`);
  // Over all of train and validation, each row by a fit that knows nothing of its future: many times the test part's rows, so a
  // narrower interval. A fold is larger than a half of validation, so what was enough for the fit is enough for folds.
  const folds = await cvRun(request);
  failed.push(...folds.run.file.jobs.filter(({ status }) => status !== "succeeded"));
  output.print("");
  const byLoss = [...folds.reports].sort((a, b) => a.cv.metrics.log_loss - b.cv.metrics.log_loss);
  for (const report of byLoss) output.print(`${report.model_name}: ${report.head_line}`);
  for (const { job, error } of failed) output.failure(`${job}: ${error?.message ?? "not finished"}`, error?.remedy);
  output.print(`\n${goOn(summary, reports, { ...options, data, runDir: run.dir }).join("\n")}`);
  output.result({
    event: "finished",
    status: failed.length === 0 ? "succeeded" : "failed",
    run_id: run.id,
    run_dir: run.dir,
    guesses,
    cv_run_id: folds.run.id,
    models: run.file.jobs.map(({ job, model, status, bundle, error }) => ({
      job,
      model,
      symbol,
      horizon,
      status,
      bundle: bundle === null ? null : `${run.dir}/${bundle}`,
      error,
      head_line: reports.find((report) => report.model_name === model)?.head_line ?? null,
      test: reports.find((report) => report.model_name === model)?.test_metrics ?? null,
      cv: folds.reports.find((report) => report.model_name === model)?.cv.metrics ?? null,
    })),
  });
  return failed.length === 0 ? 0 : 1;
}

/** Prepares the bars; what neither the file nor the flags tell is guessed, and listed. */
async function prepared(
  { output, signal, cwd }: CommandContext,
  input: string,
  options: TryOptions,
): Promise<{ summary: PrepareSummary; guesses: string[] }> {
  const { symbol, tz, dateOrder, rolls, out, allowSmall, horizon } = options;
  const market = symbolMarket(symbol, cwd);
  const config = readPrepareConfig({ cwd });
  const horizons = config.horizons.includes(horizon) ? config.horizons : [...config.horizons, horizon];
  const guesses = market.listed
    ? []
    : [
        `${symbol} is not in config/symbols.yaml, so days are UTC days and there are no costs. Ten lines there describe it.`,
      ];
  const attempt = (barTime: BarTime | undefined): Promise<PrepareSummary> =>
    prepareDataset({
      input,
      symbol,
      config: { ...config, horizons },
      market,
      ...(barTime === undefined ? {} : { barTime }),
      ...(tz === undefined ? {} : { timeZone: tz }),
      ...(dateOrder === undefined ? {} : { dateOrder }),
      ...(rolls === undefined ? {} : { rolls }),
      allowSmall: allowSmall === true,
      out,
      layouts: ["series"],
      cwd,
      onEvent: output.event,
      signal,
    });
  const withOrder = (summary: PrepareSummary): { summary: PrepareSummary; guesses: string[] } => {
    if (summary.dateOrder?.by === "guessed") guesses.push(guessedOrder(summary.dateOrder));
    return { summary, guesses };
  };
  try {
    return withOrder(await attempt(options.barTime));
  } catch (error) {
    if (!(error instanceof FoldwiseError) || error.code !== "usage.bar_time_required") throw error;
    // Taken for an open's, a stamp makes a bar known a step later than it may have been: never a step too early.
    guesses.push(
      "stamps name each bar's open, as most exchanges and vendors write them. If they name the close: --bar-time close.",
    );
    return withOrder(await attempt("open"));
  }
}

/** The commands that go further. */
function goOn(
  summary: PrepareSummary,
  reports: readonly Report[],
  { symbol, horizon, tz, rolls, data, runDir }: TryOptions & { data: string; runDir: string },
): string[] {
  const [best] = byCalibrate(reports);
  // Without them the same bars would be read in another way.
  const { dateOrder } = summary;
  const reading = [
    tz === undefined ? "" : ` --tz ${tz}`,
    // Only where the rows themselves did not tell, or were not asked.
    dateOrder === null || dateOrder.by === "told" ? "" : ` --date-order ${dateOrder.order}`,
    rolls === undefined ? "" : ` --rolls ${rolls}`,
  ].join("");
  return [
    "Go on with:",
    `  foldwise train --model all --symbol ${symbol} --horizon ${horizon} --data ${data}`,
    `  foldwise cv --model all --symbol ${symbol} --horizon ${horizon} --data ${data} --seeds 1,2,3`,
    ...(best === undefined
      ? []
      : [
          `  foldwise predict --model-dir ${runDir}/models/${best.model_name}_${symbol}_h${horizon} --bars NEW_BARS --out predictions.csv`,
        ]),
    `  foldwise audit --symbol ${symbol} --data ${data} --bars ${summary.source.path}${rolls === undefined ? "" : ` --rolls ${rolls}`}`,
    `  foldwise prepare ${summary.source.path} --symbol ${symbol} --bar-time ${summary.barTime}${reading} --set label.target_neutral=0.3`,
    `  foldwise report --help    what the figures say in full: ${runDir}/reports`,
  ];
}
