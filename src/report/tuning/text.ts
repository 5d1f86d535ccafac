import { difference, figure, percent, table, whole } from "../table.js";
import type { TuningReport, TuningTrial } from "./schema.js";

/** A study for the terminal: whether it pays, the best trials, what the choice is worth, and where the result lies. */
export function formatTuningReport(report: TuningReport): string {
  return [
    [report.head_line, outOfFold(report), nested(report)].filter((line) => line !== "").join("\n"),
    title(report),
    found(report),
    gained(report),
    bestTrials(report),
    bestBesideDefault(report),
    selection(report),
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
      `${report.trials.length} (${report.counts.complete})`,
      figure(report.default?.value ?? null),
      figure(report.best.value),
      report.gain === null ? "–" : difference(report.gain.difference, report.gain.interval),
      report.best.is_default ? "no: the defaults" : report.gain?.shown === true ? "yes" : "not shown",
      difference(report.cv.log_loss_difference, report.cv.interval),
      figure(report.nested?.value ?? null),
    ]);
  const name = metricName(metric);
  const head = [
    "model",
    "trials (completed)",
    `default ${name}`,
    "best",
    "best − default, 95 %",
    "better?",
    "best log-loss − prior's",
    "nested",
  ];
  return `${symbol}, horizon ${horizon} bars${synthetic ? ", SYNTHETIC data" : ""}: tuned by out-of-fold ${name}; the best of each was chosen by this figure, so it is too good\n${table([head, ...lines])}\n`;
}

const NAMES: Record<string, string> = {
  logloss: "log-loss",
  brier: "Brier score",
  f1_macro: "macro F1",
  sharpe: "Sharpe ratio a year",
};

/** A metric of `tune` in words. */
export const metricName = (metric: string): string => NAMES[metric] ?? metric;

const outOfFold = ({ cv }: TuningReport): string =>
  `Best trial, out of fold, by which it was chosen: ${cv.head_line.replace(/ \([^()]*\)$/, "")}`;

function nested({ nested: outer, default: own, metric }: TuningReport): string {
  if (outer === null) return "";
  const beside = own === null ? "" : ` (defaults ${figure(own.value)})`;
  const value = metric === "logloss" ? figure(outer.metrics.log_loss) : figure(outer.value);
  return `Nested, on rows without any choice: ${metricName(metric)} ${value}${beside}. ${outer.head_line.replace(/ \([^()]*\)$/, "")}`;
}

function title(report: TuningReport): string {
  const { model_name, symbol, horizon, synthetic, scheme, sampler, pruner, study, best } = report;
  const kind = synthetic ? ", SYNTHETIC data" : "";
  const between = pruner !== "none" && pruner !== "race" && best.refit_epochs === null ? ", between folds only" : "";
  return `${model_name} on ${symbol}, horizon ${horizon} bars${kind}: ${scheme.description}; sampler ${sampler}, pruner ${pruner}${between}. Study: ${study.file}`;
}

/** Of fewer completed trials quartiles and importances say nothing. */
const ENOUGH = 10;

function found({
  counts,
  target,
  out_of_time,
  distribution,
  metric,
  seconds,
  new_trials,
  nested,
}: TuningReport): string {
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
  const time =
    new_trials === all ? ` in ${seconds.search.toFixed(1)} s` : `; ${new_trials} new in ${seconds.search.toFixed(1)} s`;
  const inner =
    nested === null
      ? ""
      : ` Nested: ${nested.folds.reduce((sum, { trials }) => sum + trials, 0)} more in ${seconds.nested.toFixed(1)} s.`;
  const values =
    complete < ENOUGH
      ? `best ${figure(best)}, median ${figure(median)}, worst ${figure(worst)}`
      : `best ${figure(best)}, quartiles ${figure(upper)} · ${figure(median)} · ${figure(lower)}, worst ${figure(worst)}`;
  return [
    `Trials: ${all}${short} (${parts.join(", ")})${time}.${inner}`,
    `Out-of-fold ${metricName(metric)} of the completed: ${values}.`,
  ].join("\n");
}

function gained({ best, default: own, gain }: TuningReport): string {
  if (own === null || best.is_default || gain === null) return "";
  const { blocks, unreliable } = gain.bootstrap;
  return `The best was chosen on these rows, so its lead over the defaults is too large.${unreliable ? ` Its interval rests on ${blocks} blocks: unreliable.` : ""}`;
}

const TOP = 5;
const MOST_COLUMNS = 6;

const short = (name: string): string => name.replace(/^(model_params|training)\./, "");

/** What a trial was fitted with. */
const fitted = ({ slot, params }: TuningTrial, own: TuningReport["default"]): TuningTrial["params"] =>
  slot === 0 ? { ...params, ...own?.fitted } : params;

function bestTrials({ trials, direction, best, metric, importance, default: own }: TuningReport): string {
  const sign = direction === "minimize" ? 1 : -1;
  const complete = trials.filter(({ value }) => value !== null).sort((a, b) => sign * (a.value! - b.value!));
  const shown = complete.slice(0, TOP);
  const defaults = complete.find(({ slot }) => slot === 0);
  if (defaults !== undefined && !shown.includes(defaults)) shown.push(defaults);
  const named = [...new Set(shown.flatMap(({ params }) => Object.keys(params)))];
  const names = [...named].sort((a, b) => (importance[b] ?? 0) - (importance[a] ?? 0)).slice(0, MOST_COLUMNS);
  const left = named.length - names.length;
  return `${table([
    ["trial", metricName(metric), ...names.map(short)],
    ...shown.map((trial) => {
      const params = fitted(trial, own);
      const { slot, value } = trial;
      return [
        `${slot}${slot === 0 ? " default" : ""}${slot === best.slot ? " best" : ""}`,
        figure(value),
        ...names.map((name) => (name in params ? shownValue(params[name]!) : "–")),
      ];
    }),
  ])}${left === 0 ? "" : `\n(${left} more parameter${left === 1 ? "" : "s"} of less weight)`}`;
}

/** Every searched parameter: default, best, and how much of the values' variance it explains. */
function bestBesideDefault({ trials, best, counts, importance, default: own }: TuningReport): string {
  const defaults = trials.find(({ slot }) => slot === 0);
  const before = defaults === undefined ? {} : fitted(defaults, own);
  const known = counts.complete >= ENOUGH && Object.keys(importance).length > 0;
  const names = [...new Set([...Object.keys(best.params), ...Object.keys(before)])].sort(
    (a, b) => (importance[b] ?? 0) - (importance[a] ?? 0),
  );
  if (best.is_default) {
    return known
      ? `What the values depend on (fANOVA): ${names.map((name) => `${short(name)} ${percent(importance[name] ?? 0)}`).join(", ")}.`
      : "";
  }
  const rows = names.map((name) => [
    name,
    name in before ? shownValue(before[name]!) : "–",
    name in best.params ? shownValue(best.params[name]!) : "–",
    ...(known ? [name in importance ? percent(importance[name]!) : "–"] : []),
  ]);
  const head = ["parameter", "default", "best", ...(known ? ["explains (fANOVA)"] : [])];
  const note = known ? "" : `\nWhat the values depend on: too few completed trials (${counts.complete}) to tell.`;
  return `${table([head, ...rows])}${note}`;
}

function shownValue(value: string | number | boolean | null): string {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Number(value.toPrecision(3)).toString();
}

/** Trials whose answers are not known, so that they were not compared. */
function missing({ overfitting, counts }: TuningReport): string {
  if (overfitting === null) return "";
  const { compared, pruned_finished, survivors_only } = overfitting;
  const lost = counts.complete + pruned_finished - compared;
  const pruned = survivors_only ? ["survivors only: pruned trials are missing (--pbo finishes some)"] : [];
  const which =
    lost === 1 ? "completed trial is missing, whose answers are" : "completed trials are missing, whose answers are";
  const completed = lost > 0 ? [`${lost} ${which} not kept (other versions, threads, or a plug-in's other run)`] : [];
  return [...pruned, ...completed].map((text) => `; ${text}`).join("");
}

function selection(report: TuningReport): string {
  const { overfitting, no_overfitting_because, deflated_sharpe, no_deflated_sharpe_because, trials_effective, trials } =
    report;
  const pbo =
    overfitting === null
      ? `Probability of backtest overfitting: not computed, ${no_overfitting_because}.`
      : `Probability of backtest overfitting ${figure(overfitting.probability, 2)} by ${overfitting.basis}: ${overfitting.compared} trials${overfitting.pruned_finished > 0 ? `, ${overfitting.pruned_finished} of them pruned ones finished for it` : ""}, ${whole(overfitting.splits)} splits${missing(report)}.`;
  const yearly = (ratio: number): string => figure(ratio * Math.sqrt(deflated_sharpe?.sessions_per_year ?? 0), 2);
  const sharpe =
    deflated_sharpe === null
      ? `Deflated Sharpe ratio: not computed, ${no_deflated_sharpe_because}.`
      : `Deflated Sharpe ratio ${deflated_sharpe.probability === null ? "not known" : figure(deflated_sharpe.probability, 2)}: the best trial has ${yearly(deflated_sharpe.sharpe)} a year; ${trials.length} worthless trials, worth ${figure(trials_effective, 1)} independent ones${overfitting?.survivors_only === true ? " (pruned ones counted whole)" : ""}, would reach ${yearly(deflated_sharpe.expected)}.`;
  return `${pbo}\n${sharpe}`;
}

function judged({ refit }: TuningReport): string {
  const rows = refit.rows === "train" ? "train" : "train and the validation rows that it was stopped by";
  const epochs = refit.epochs === null ? "" : `, ${refit.epochs} rounds`;
  const fittedOn = `Fitted again on ${rows}${epochs}.`;
  if (refit.test === null) return `${fittedOn} The test part stays closed.`;
  const prior = refit.test_prior === null ? "" : ` (prior ${figure(refit.test_prior.log_loss)})`;
  return `${fittedOn} Once on the test rows: log-loss ${figure(refit.test.log_loss)}${prior}, accuracy ${figure(refit.test.accuracy)}, mcc ${figure(refit.test.mcc)}. ${refit.head_line}`;
}
