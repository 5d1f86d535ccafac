import { difference, figure, table, whole } from "../table.js";
import { formatTrading } from "../trading.js";
import { formatBaselines } from "./baselines.js";
import type { CvReport, FoldReport } from "./schema.js";

/** A cross-validation for the terminal: the head line, pooled scores beside the prior's, the folds, and their time line. */
export function formatCvReport(report: CvReport): string {
  return [
    report.head_line,
    title(report),
    pooled(report),
    formatBaselines(report.baselines),
    trading(report),
    folds(report),
    timeline(report),
    facts(report),
    ...report.warnings.map((warning) => `Warning: ${warning}`),
    ...report.notices.map((notice) => `Note: ${notice}`),
  ]
    .filter((section) => section !== "")
    .join("\n\n")
    .concat("\n");
}

/** Models side by side, a table for each symbol and horizon, in the order of their out-of-fold log-loss. */
export function formatCvLeaderboard(reports: readonly CvReport[]): string {
  const groups = new Map<string, CvReport[]>();
  for (const report of reports) {
    const { symbol, horizon, scheme, cv, data } = report;
    const key = JSON.stringify([symbol, horizon, scheme, cv.rows, data.fingerprint]);
    groups.set(key, [...(groups.get(key) ?? []), report]);
  }
  return [...groups.values()].map(formatGroup).join("\n");
}

function formatGroup(reports: CvReport[]): string {
  const { symbol, horizon, synthetic, scheme, cv } = reports[0]!;
  const lines = [
    ...reports.map((report) => ({
      loss: report.cv.metrics.log_loss,
      cells: [
        report.model_name,
        figure(report.cv.metrics.log_loss),
        difference(report.cv.log_loss_difference, report.cv.intervals.log_loss_difference),
        figure(report.cv.metrics.accuracy),
        figure(report.cv.metrics.mcc),
        report.verdict.toLowerCase(),
      ],
    })),
    {
      loss: cv.prior.log_loss,
      cells: ["(prior only)", figure(cv.prior.log_loss), "", figure(cv.prior.accuracy), "", ""],
    },
  ].sort((a, b) => a.loss - b.loss);
  const head = ["model", "log-loss", "against the prior, 95 %", "accuracy", "mcc", "beats the prior"];
  const kind = synthetic ? ", SYNTHETIC data" : "";
  return `${symbol}, horizon ${horizon} bars${kind}: ${scheme.description}, ${whole(cv.rows)} rows tested\n${table([head, ...lines.map(({ cells }) => cells)])}\n`;
}

function title({ model_name, symbol, horizon, synthetic, scheme, seconds, seeds }: CvReport): string {
  const kind = synthetic ? ", SYNTHETIC data" : "";
  const each = seeds.length > 1 ? `, ${seeds.length} seeds` : "";
  return `${model_name} on ${symbol}, horizon ${horizon} bars${kind}: ${scheme.description}${each}, ${seconds.toFixed(1)} s of fits`;
}

const plusMinus = ({ mean, standard_error }: { mean: number; standard_error: number | null }): string =>
  standard_error === null ? figure(mean) : `${figure(mean)} ± ${figure(standard_error)}`;

function pooled({ cv, across_folds, across_seeds }: CvReport): string {
  const head = ["", "pooled", "prior", "over folds", ...(across_seeds === null ? [] : ["over seeds"])];
  const line = (name: string, value: number, prior: number, key?: keyof CvReport["across_folds"]): string[] => [
    name,
    figure(value),
    figure(prior),
    key === undefined ? "" : plusMinus(across_folds[key]),
    ...(across_seeds === null ? [] : [key === undefined ? "" : plusMinus(across_seeds[key])]),
  ];
  const { metrics, prior } = cv;
  const lines = [
    line("log_loss", metrics.log_loss, prior.log_loss, "log_loss"),
    line("brier", metrics.brier, prior.brier, "brier"),
    line("accuracy", metrics.accuracy, prior.accuracy, "accuracy"),
    line("f1", metrics.f1, prior.f1),
    line("mcc", metrics.mcc, prior.mcc),
    line("ece", metrics.ece, prior.ece),
  ];
  return table([head, ...lines]);
}

function trading({ trading, no_trading_because }: CvReport): string {
  if (trading !== null) return formatTrading(trading);
  return no_trading_because === null ? "" : `Not traded: ${no_trading_because}`;
}

function folds({ folds }: CvReport): string {
  const stops = folds.some(({ stop }) => stop !== null);
  const head = [
    "fold",
    "seed",
    "fitted",
    ...(stops ? ["stop"] : []),
    "tested",
    "purged",
    "embargo",
    "round",
    "log-loss",
    "prior",
    "accuracy",
  ];
  const lines = folds.map((fold) => [
    `${fold.fold + 1}${fold.groups === null ? "" : ` (${fold.groups.map((group) => group + 1).join("+")})`}`,
    String(fold.seed),
    whole(fold.fit.rows),
    ...(stops ? [fold.stop === null ? "–" : whole(fold.stop.rows)] : []),
    whole(fold.test.rows),
    whole(fold.purged + fold.stop_purged),
    whole(fold.embargoed + fold.stop_embargoed),
    fold.best_epoch === 0 ? "–" : whole(fold.best_epoch),
    figure(fold.test_scores.log_loss),
    figure(fold.test_scores.prior_log_loss),
    figure(fold.test_scores.accuracy),
  ]);
  return table([head, ...lines]);
}

const COLUMNS = 60;

/** When each fold fits (░), stops (▒) and tests (█); the spans of the first seed. Of cpcv, spans would say little. */
function timeline({ folds, seeds, scheme }: CvReport): string {
  if (scheme.name === "cpcv") return "";
  const first = folds.filter(({ seed }) => seed === seeds[0]);
  const times = first
    .flatMap(({ fit, test }) => [fit.from, fit.to, test.from, test.to])
    .map((t) => Date.parse(t ?? ""));
  const [low, high] = [Math.min(...times), Math.max(...times)];
  const column = (time: string | null): number =>
    Math.min(COLUMNS - 1, Math.floor(((Date.parse(time ?? "") - low) / Math.max(1, high - low)) * COLUMNS));
  const lines = first.map(({ fold, fit, stop, test }) => {
    const cells = new Array<string>(COLUMNS).fill(" ");
    const paint = (span: FoldReport["test"] | null, mark: string): void => {
      if (span === null || span.rows === 0) return;
      cells.fill(mark, column(span.from), column(span.to) + 1);
    };
    paint(fit, "░");
    paint(stop, "▒");
    paint(test, "█");
    return `${String(fold + 1).padStart(4)}  ${cells.join("").trimEnd()}`;
  });
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  return [
    "fold  ░ fitted  ▒ stopped by  █ tested",
    ...lines,
    `      ${day(low)}${day(high).padStart(COLUMNS - 10)}`,
  ].join("\n");
}

function facts({ rows, embargo, refit_epochs, cv, paths, across_folds }: CvReport): string {
  const lost = [
    rows.unlabelled > 0 ? `${whole(rows.unlabelled)} not labelled at every horizon` : "",
    rows.windowless > 0 ? `${whole(rows.windowless)} without a full window` : "",
    rows.reaching_test > 0 ? `${whole(rows.reaching_test)} with labels that look into the test part` : "",
  ].filter((part) => part !== "");
  const losses = (paths ?? []).map(({ log_loss }) => log_loss);
  return [
    `Rows of train and validation: ${whole(rows.used)} used${lost.length === 0 ? "" : `; left out: ${lost.join(", ")}`}. Embargo ${embargo} rows. The test part stays closed.`,
    `Interval by ${cv.bootstrap.blocks} blocks of ${cv.bootstrap.block} rows, effective n = ${whole(cv.effective_n)}${cv.bootstrap.unreliable ? ": fewer than 10 blocks, unreliable" : ""}. Folds share training rows: ± over folds (${figure(across_folds.log_loss.standard_error)}) is no interval.`,
    losses.length === 0
      ? ""
      : `${losses.length} backtest paths: log-loss ${figure(Math.min(...losses))} to ${figure(Math.max(...losses))}.`,
    refit_epochs === null ? "" : `For a fit on all rows: ${refit_epochs} rounds, the median of the folds' best.`,
  ]
    .filter((line) => line !== "")
    .join("\n");
}
