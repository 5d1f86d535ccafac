import { formatDecision } from "./decision.js";
import { ensembleText } from "./ensembleText.js";
import type { MetricsJson, PartReport, Report } from "./schema.js";
import { bytes, figure, percent, table, whole } from "./table.js";

const TOP_FEATURES = 10;
const SCORES: readonly (keyof Omit<MetricsJson, "confusion_matrix">)[] = [
  "log_loss",
  "brier",
  "accuracy",
  "precision",
  "recall",
  "f1",
  "mcc",
  "ece",
];

/** A report for the terminal: the head line first, then scores beside the prior's, rows, and how it was made. */
export function formatReport(report: Report): string {
  const head = report.test ?? report.validation.calibrate;
  return [
    report.head_line,
    title(report),
    scores(report),
    classes(head, report.head_part),
    rows(report),
    ensembleText(report),
    calibration(report),
    formatDecision(report.decision),
    importance(report),
    facts(report),
    report.tuned === null
      ? ""
      : `Settings tuned for ${report.tuned.metric} over rows of train and validation (${report.tuned.trials} trials, run ${report.tuned.run_id}): figures of validation rows are too good; those of the test rows are not.`,
    ...report.warnings.map((warning) => `Warning: ${warning}`),
    ...report.notices.map((notice) => `Note: ${notice}`),
  ]
    .filter((section) => section !== "")
    .join("\n\n")
    .concat("\n");
}

function title({ model_name, symbol, horizon, synthetic, training_metrics: training }: Report): string {
  const rounds =
    training.best_epoch === 0
      ? ""
      : `, best round ${training.best_epoch} of ${training.total_epochs}${training.early_stopped ? ", stopped early" : ""}`;
  const kind = synthetic ? ", SYNTHETIC data" : "";
  return `${model_name} on ${symbol}, horizon ${horizon} bars${kind}: fitted in ${training.training_time.toFixed(1)} s${rounds}`;
}

function scores(report: Report): string {
  const parts = ([report.test, report.validation.calibrate, report.validation.stop] as const)
    .map((part, i) => [["test", "calibrate", "stop"][i]!, part] as const)
    .filter((entry): entry is readonly [string, PartReport] => entry[1] !== null);
  const header = ["", ...parts.flatMap(([name]) => [name, "prior"])];
  const lines = SCORES.map((score) => [
    score,
    ...parts.flatMap(([, part]) => [figure(part.metrics[score]), figure(part.prior.metrics[score])]),
  ]);
  const range = (part: PartReport, key: keyof PartReport["intervals"]): string =>
    `[${figure(part.intervals[key][0])}, ${figure(part.intervals[key][1])}]`;
  const intervals = parts.map(([name, part]) => [
    `95 % ${name}`,
    `log_loss ${range(part, "log_loss")}`,
    `accuracy ${range(part, "accuracy")}`,
    `effective n ${whole(part.effective_n)}`,
    part.bootstrap.unreliable ? `unreliable: ${blocks(part)}` : "",
  ]);
  return `${table([header, ...lines])}\n${table(intervals)}`;
}

const blocks = ({ bootstrap }: PartReport): string => `${bootstrap.blocks} block${bootstrap.blocks === 1 ? "" : "s"}`;

function classes(part: PartReport, name: string): string {
  const lines = part.class_scores.map((scores, k) => [
    `class ${figure(scores.class, 0)}`,
    figure(scores.precision),
    figure(scores.recall),
    figure(scores.f1),
    ...part.metrics.confusion_matrix[k]!.map(whole),
  ]);
  return table([[name, "precision", "recall", "f1", "said −1", "said 0", "said 1"], ...lines]);
}

function rows(report: Report): string {
  const windows = Object.values(report.rows).some(({ windowless }) => windowless > 0);
  const lines = (["train", "stop", "calibrate", "test"] as const).map((name) => {
    const part = report.rows[name];
    const shares = part.classes === null ? ["–", "–", "–"] : [part.classes["-1"], part.classes["0"], part.classes["1"]];
    return [
      name,
      whole(part.rows),
      ...shares.map((n) => (typeof n === "string" ? n : percent(n / Math.max(part.rows, 1)))),
      whole(part.purged),
      whole(part.embargoed),
      whole(part.unlabelled),
      ...(windows ? [whole(part.windowless)] : []),
      `${part.from?.slice(0, 10) ?? "–"} to ${part.to?.slice(0, 10) ?? "–"}`,
    ];
  });
  const reasons = ["purged", "embargoed", "unlabelled", ...(windows ? ["no window"] : [])];
  return table([["rows", "used", "−1", "0", "1", ...reasons, "dates"], ...lines]);
}

function calibration({ calibration: done }: Report): string {
  if (done === null) return "";
  const { kind, reason, before, after } = done;
  const shift = (key: "log_loss" | "ece" | "classwise_ece"): string =>
    kind === "none" ? figure(before[key]) : `${figure(before[key])} → ${figure(after[key])}`;
  return [
    `Calibration: ${kind} (${reason}).`,
    `On calibrate rows that it had not seen: log-loss ${shift("log_loss")}, ece ${shift("ece")}, classwise ece ${shift("classwise_ece")}.`,
  ].join("\n");
}

function importance(report: Report): string {
  const top = Object.entries(report.feature_importance).slice(0, TOP_FEATURES);
  if (top.length === 0) return "";
  return table([
    ["feature", report.importance_kind ?? "importance"],
    ...top.map(([name, value]) => [name, figure(value, 5)]),
  ]);
}

function facts(report: Report): string {
  const openings = report.test_openings;
  const seconds = Object.entries(report.seconds).map(([stage, value]) => `${stage} ${value.toFixed(1)} s`);
  return [
    openings === null
      ? "The test part was not opened."
      : `Test opened ${times(openings.opened)}, ${openings.configurations} configuration${openings.configurations === 1 ? "" : "s"}.`,
    `Preset ${report.configuration.preset}, seed ${report.seed}, device ${report.device}, data ${report.data.fingerprint?.slice(0, 12) ?? "given as arrays"}.`,
    sequence(report),
    report.parity === null
      ? ""
      : `Node equals the native model within ${report.parity.max_abs_diff.toExponential(1)} on ${whole(report.parity.rows)} rows.`,
    [
      ...seconds,
      ...(report.peak_memory_bytes === null ? [] : [`worker peak ${bytes(report.peak_memory_bytes)}`]),
      ...(report.quantised === "reused" ? ["quantised data reused"] : []),
    ].join(", "),
  ]
    .filter((line) => line !== "")
    .join("\n");
}

/** Trained how, and from where: what a sequence model's reader asks first. */
function sequence({ sequence: facts }: Report): string {
  if (facts === null) return "";
  const resumed = facts.resumed_from === 0 ? "" : `, resumed after epoch ${facts.resumed_from}`;
  return `Windows of ${facts.seq_len} bars, ${facts.receptive_field} of them seen; ${facts.mode} training, ${facts.precision}, ${whole(facts.parameters)} parameters${resumed}.`;
}

const times = (n: number): string => (n === 1 ? "once" : `${n} times`);
