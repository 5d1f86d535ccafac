import { difference, figure, percent, table, whole } from "../table.js";
import type { TuningReport } from "./schema.js";

/** A study for the terminal: the head line, the best trials, what the choice is worth, and where the result lies. */
export function formatTuningReport(report: TuningReport): string {
  return [
    report.head_line,
    title(report),
    found(report),
    gained(report),
    bestTrials(report),
    parameters(report),
    selection(report),
    nested(report),
    judged(report),
    `The best settings as configuration: ${report.files.config} in the folder of run ${report.run_id}.`,
    ...report.warnings.map((warning) => `Warning: ${warning}`),
    ...report.notices.map((notice) => `Note: ${notice}`),
  ]
    .filter((section) => section !== "")
    .join("\n\n")
    .concat("\n");
}

/** Several studies side by side, a table for each symbol and horizon. */
export function formatTuningBoard(reports: readonly TuningReport[]): string {
  const groups = new Map<string, TuningReport[]>();
  for (const report of reports) {
    const key = JSON.stringify([report.symbol, report.horizon, report.metric, report.data.fingerprint]);
    groups.set(key, [...(groups.get(key) ?? []), report]);
  }
  return [...groups.values()].map(board).join("\n");
}

function board(reports: readonly TuningReport[]): string {
  const { symbol, horizon, metric, synthetic, direction } = reports[0]!;
  const sign = direction === "minimize" ? 1 : -1;
  const lines = [...reports]
    .sort((a, b) => sign * (a.best.value - b.best.value))
    .map((report) => [
      report.model_name,
      String(report.trials.length),
      figure(report.default?.value ?? null),
      figure(report.best.value),
      report.gain === null ? "–" : difference(report.gain.difference, report.gain.interval),
      report.gain?.shown === true ? "yes" : "not shown",
      figure(report.nested?.value ?? null),
    ]);
  const head = ["model", "trials", `default ${metric}`, "best", "best − default, 95 %", "better?", "nested"];
  return `${symbol}, horizon ${horizon} bars${synthetic ? ", SYNTHETIC data" : ""}: tuned by out-of-fold ${metric}; the best of each was chosen by this figure, so it is too good\n${table([head, ...lines])}\n`;
}

function title({ model_name, symbol, horizon, synthetic, scheme, sampler, pruner, study }: TuningReport): string {
  const kind = synthetic ? ", SYNTHETIC data" : "";
  return `${model_name} on ${symbol}, horizon ${horizon} bars${kind}: ${scheme.description}; sampler ${sampler}, pruner ${pruner}. Study: ${study.file}`;
}

function found({ counts, target, out_of_time, distribution, metric, seconds }: TuningReport): string {
  const { complete, pruned, failed, running } = counts;
  const parts = [
    `${complete} complete`,
    ...(pruned > 0 ? [`${pruned} pruned`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(running > 0 ? [`${running} at work in another process`] : []),
  ];
  const all = complete + pruned + failed + running;
  const short = out_of_time ? ` of ${target}: time was up` : all < target ? ` of ${target}` : "";
  const { worst, lower, median, upper, best } = distribution;
  return [
    `Trials: ${all}${short} (${parts.join(", ")}) in ${seconds.search.toFixed(1)} s.`,
    `Out-of-fold ${metric} of the completed: best ${figure(best)}, quartiles ${figure(lower)} · ${figure(median)} · ${figure(upper)}, worst ${figure(worst)}.`,
  ].join("\n");
}

function gained({ best, default: own, gain, metric }: TuningReport): string {
  if (own === null) return "The default settings failed: there is nothing to compare the best trial with.";
  if (best.is_default || gain === null)
    return `No trial was better than the defaults (${metric} ${figure(own.value)}).`;
  const of = gain.basis === "sessions" ? "a session's result" : gain.basis.replace("_", "-");
  return `Best against default on the same rows: ${metric} ${figure(best.value)} against ${figure(own.value)}; ${of} ${difference(gain.difference, gain.interval)}${gain.shown ? "" : ": within noise"}${gain.bootstrap.unreliable ? ` (${gain.bootstrap.blocks} blocks: unreliable)` : ""}. The best was chosen on these rows, so its lead is too large.`;
}

const TOP = 5;

function bestTrials({ trials, direction, best, metric }: TuningReport): string {
  const sign = direction === "minimize" ? 1 : -1;
  const complete = trials.filter(({ value }) => value !== null).sort((a, b) => sign * (a.value! - b.value!));
  const shown = complete.slice(0, TOP);
  const own = complete.find(({ slot }) => slot === 0);
  if (own !== undefined && !shown.includes(own)) shown.push(own);
  const names = [...new Set(shown.flatMap(({ params }) => Object.keys(params)))];
  const short = (name: string): string => name.replace(/^(model_params|training)\./, "");
  return table([
    ["trial", metric, ...names.map(short)],
    ...shown.map(({ slot, value, params }) => [
      `${slot}${slot === 0 ? " default" : ""}${slot === best.slot ? " best" : ""}`,
      figure(value),
      ...names.map((name) => (name in params ? shownValue(params[name]!) : "–")),
    ]),
  ]);
}

function shownValue(value: string | number | boolean | null): string {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Number(value.toPrecision(3)).toString();
}

function parameters({ importance }: TuningReport): string {
  const entries = Object.entries(importance).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return "";
  const shares = entries.map(([name, share]) => `${name.replace(/^(model_params|training)\./, "")} ${percent(share)}`);
  return `What the values depend on (fANOVA): ${shares.join(", ")}.`;
}

function selection(report: TuningReport): string {
  const { overfitting, no_overfitting_because, deflated_sharpe, no_deflated_sharpe_because, trials_effective } = report;
  const pbo =
    overfitting === null
      ? `Probability of backtest overfitting: not computed, ${no_overfitting_because}.`
      : `Probability of backtest overfitting ${figure(overfitting.probability, 2)} by ${overfitting.basis}: ${overfitting.compared} trials${overfitting.pruned_finished > 0 ? `, ${overfitting.pruned_finished} of them pruned ones finished for it` : ""}, ${whole(overfitting.splits)} splits${overfitting.survivors_only ? "; survivors only: pruned trials are missing (--pbo finishes some)" : ""}.`;
  const yearly = (ratio: number): string => figure(ratio * Math.sqrt(deflated_sharpe?.sessions_per_year ?? 0), 2);
  const sharpe =
    deflated_sharpe === null
      ? `Deflated Sharpe ratio: not computed, ${no_deflated_sharpe_because}.`
      : `Deflated Sharpe ratio ${deflated_sharpe.probability === null ? "not known" : figure(deflated_sharpe.probability, 2)}: the best trial has ${yearly(deflated_sharpe.sharpe)} a year; the best of ${figure(trials_effective, 1)} worthless ones would reach ${yearly(deflated_sharpe.expected)}.`;
  return `${pbo}\n${sharpe}`;
}

function nested({ nested: outer, metric }: TuningReport): string {
  if (outer === null) return "";
  const { metrics, log_loss_difference, interval, value, folds } = outer;
  return `Nested, tuned anew inside each of ${folds.length} outer folds: ${metric} ${figure(value)}, log-loss ${figure(metrics.log_loss)}, against the prior ${difference(log_loss_difference, interval)}. No choice was made on these rows.`;
}

function judged({ refit, cv }: TuningReport): string {
  const rows = refit.rows === "train" ? "train" : "train and the validation rows that it was stopped by";
  const epochs = refit.epochs === null ? "" : `, ${refit.epochs} rounds`;
  const oof = `Its out-of-fold log-loss, by which nothing is unseen any more: ${figure(cv.metrics.log_loss)} (prior ${figure(cv.prior.log_loss)}).`;
  const fitted = `Fitted again on ${rows}${epochs}.`;
  if (refit.test === null) return `${fitted} The test part stays closed. ${oof}`;
  return `${fitted} Once on the test rows: log-loss ${figure(refit.test.log_loss)}, accuracy ${figure(refit.test.accuracy)}, mcc ${figure(refit.test.mcc)}. ${oof}`;
}
