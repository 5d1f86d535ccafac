import type { Decision } from "../artifacts/index.js";
import { symbolMarket, type TrainingConfig } from "../config/index.js";
import {
  type AdaptiveState,
  adaptiveSets,
  adaptiveStart,
  type CrossFitFold,
  classReturns,
  crossFittedSets,
  fitConformal,
  MINIMUM_EFFECTIVE_LABELS,
  NO_TRADE,
  type Probabilities,
  rowsAt,
  settledThreshold,
} from "../evaluation/index.js";
import { type DecidedRows, decide, withDecision } from "../inference/index.js";
import { labelDurations } from "../labels/index.js";
import type { DecidedPart, DecisionFacts } from "../report/index.js";
import { CLASS_COUNT, CLASSES, type Costs, FoldwiseError, gather, type StoredDataset } from "../types/index.js";
import type { PartAnswers } from "./answers.js";
import { type Calibration, innerFolds, spread } from "./calibration.js";
import { costsOf } from "./cv/trading.js";
import type { CombinedOn } from "./ensemble/index.js";
import type { GridCell } from "./grid.js";
import { labelsOf, scoredRows } from "./rows.js";

/** `decision` of the configuration. */
export type DecisionSettings = TrainingConfig["decision"];

/** Whose rows they are, and what a trade of them costs. */
export interface DecisionSource {
  dataset: StoredDataset;
  symbol: string;
  horizon: number;
  /** Null: not known. */
  costs: Costs | null;
}

/** Of a job. */
export const sourceOf = (work: Pick<DecisionSource, "dataset" | "costs"> & { cell: GridCell }): DecisionSource => ({
  dataset: work.dataset,
  symbol: work.cell.symbol,
  horizon: work.cell.horizon,
  costs: work.costs,
});

/** The `calibrate` rows as the model answers them. */
export interface FreshAnswers {
  /** Rows of the dataset. */
  rows: Int32Array;
  /** (N, 3) by what has not seen the rows' labels. */
  raw: Float32Array;
  /** Null: nothing is done to `raw`. */
  calibration: Calibration | null;
  /** Of an ensemble that learned to combine on these rows. */
  combinedOn: CombinedOn | null;
}

/** What was decided on the `calibrate` rows. */
export interface FittedDecision {
  /** What the bundle is given. */
  decision: Decision;
  settings: DecisionSettings;
  /** Of the rows themselves, by what has not seen their labels. */
  own: DecidedRows;
  /** Of adaptive sets: where they stand after these rows. */
  state: AdaptiveState | null;
  /** What could not be done as configured, and why. */
  notices: string[];
}

/** Of the symbol: what the dataset was prepared with, else what config/symbols.yaml says. */
export function symbolCosts({ manifest }: StoredDataset, symbol: string, cwd: string): Costs | null {
  return manifest.pipeline === null ? symbolMarket(symbol, cwd).costs : manifest.pipeline.costs;
}

/**
 * Fits prediction sets and the signal's rule on the `calibrate` rows. Everything is fitted on answers that have not seen their
 * row's label, and what is said of these rows themselves is cross-fitted over five purged folds, combination and calibrator within
 * each of them; adaptive sets are moved at each row by the labels that were known by then (the calibrator behind their probabilities is
 * that of other folds, which may lie later; of test rows nothing later is known). With fewer than 30 effective labels nothing is fitted:
 * there are no sets, and signals go by the configured threshold on probability.
 */
export async function fitDecision(
  source: DecisionSource,
  fresh: FreshAnswers,
  settings: DecisionSettings,
): Promise<FittedDecision> {
  const { dataset, horizon } = source;
  const { rows, raw, calibration } = fresh;
  const p = calibration === null ? raw : calibration.crossFitted;
  const y = labelsOf(dataset, horizon, rows);
  const notices: string[] = [];
  const folds = await foldsOf(source, fresh, notices);
  const calibrate = { y, p, rows, folds };
  const sets =
    folds === null
      ? null
      : await unlessTooFew(() => setsOf(source, fresh, { ...calibrate, folds }, settings, notices), notices);
  const signal = signalRule(source, calibrate, { ...settings, hasSets: sets !== null }, notices);
  const decision: Decision = { sets: sets?.fitted ?? null, signal };
  const own = { sets: sets?.own ?? null, signals: ownSignals(source, calibrate, decision, sets?.own) };
  return { decision, settings, own, state: sets?.state ?? null, notices };
}

/**
 * The parts' answers with sets and signals: those of the `calibrate` rows by what has not seen them; adaptive ones of the test
 * rows by all labels known at each row; all others as the bundle gave them.
 */
export function decidedAnswers(
  answers: readonly PartAnswers[],
  { decision, own, state }: FittedDecision,
  { dataset, horizon }: Pick<DecisionSource, "dataset" | "horizon">,
): PartAnswers[] {
  return answers.map((answer) => {
    const { part, rows, output } = answer;
    if (part === "val_calibrate") return { ...answer, output: withDecision(output, own) };
    if (part !== "test" || state === null || rows.length === 0) return answer;
    const p = output.probabilities;
    const { sets } = adaptiveSets(state, { ...knownLabels(dataset, horizon, rows), p });
    return { ...answer, output: withDecision(output, decide(decision, p, sets)) };
  });
}

interface CalibrateRows {
  /** (N) */
  y: Int8Array;
  /** (N, 3) each row by what has not seen its label. */
  p: Probabilities;
  rows: Int32Array;
  /** Null: too few labels to fit anything. */
  folds: CrossFitFold[] | null;
}

/** Purged folds of the rows; null where there are too few labels to fit anything, which is told. */
async function foldsOf(
  { dataset, horizon }: DecisionSource,
  { rows, raw }: FreshAnswers,
  notices: string[],
): Promise<CrossFitFold[] | null> {
  const labels = effectiveLabels(dataset, horizon, rows, raw);
  if (labels < MINIMUM_EFFECTIVE_LABELS) {
    notices.push(
      `Nothing is fitted: the calibrate rows hold ${Math.floor(labels)} effective labels, and at least ${MINIMUM_EFFECTIVE_LABELS} are needed.`,
    );
    return null;
  }
  return unlessTooFew(async () => innerFolds(dataset, horizon, rows), notices);
}

/** Null, and why, where purging leaves a fold, or one within it, without rows. */
async function unlessTooFew<T>(work: () => Promise<T>, notices: string[]): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FoldwiseError && ["data.empty_fold", "data.too_few_rows"].includes(error.code))) throw error;
    notices.push(`There are no sets: the calibrate rows cannot be cut into purged folds. ${error.message}`);
    return null;
  }
}

function effectiveLabels(dataset: StoredDataset, horizon: number, rows: Int32Array, p: Float32Array): number {
  let sum = 0;
  for (const share of scoredRows(dataset, horizon, rows, p).uniqueness) sum += share;
  return sum;
}

async function setsOf(
  source: DecisionSource,
  fresh: FreshAnswers,
  { y, p, rows, folds }: CalibrateRows & { folds: CrossFitFold[] },
  { level, sets: method }: DecisionSettings,
  notices: string[],
): Promise<{ fitted: NonNullable<Decision["sets"]>; own: Uint8Array; state: AdaptiveState | null }> {
  const { dataset, horizon } = source;
  const facts = { method, level, rows: rows.length };
  const present = CLASSES.filter((label) => y.includes(label));
  if (present.length === 1)
    notices.push(`The calibrate rows hold only class ${present[0]}: the level is promised of rows of that class.`);
  if (method === "adaptive") {
    const { sets: own, state } = adaptiveSets(adaptiveStart({ level }), { ...knownLabels(dataset, horizon, rows), p });
    const threshold = settledThreshold(state);
    return { fitted: { ...facts, thresholds: [threshold, threshold, threshold] }, own, state };
  }
  const options = { level, kind: method };
  const { thresholds, notices: told } = fitConformal(y, p, options);
  notices.push(...told);
  const within = await answersWithin(fresh, folds, p);
  const own = crossFittedSets(y, p, options, folds, (fold) => within[folds.indexOf(fold)]!);
  return { fitted: { ...facts, thresholds }, own, state: null };
}

/** By fold: (N, 3) of the rows that it fits on, each by what has seen neither its label nor those of the rows that the fold tests. */
async function answersWithin(
  { calibration, combinedOn }: FreshAnswers,
  folds: readonly CrossFitFold[],
  p: Probabilities,
): Promise<Probabilities[]> {
  if (calibration !== null && calibration.calibrator.kind !== "none") return folds.map((_, f) => calibration.within(f));
  if (combinedOn === null) return folds.map(() => p);
  const answers: Float64Array[] = [];
  for (const { train } of folds) {
    const { inner, dispose } = await combinedOn.again(train);
    await dispose();
    answers.push(spread(inner, train, p.length));
  }
  return answers;
}

/** The configured rule, or the threshold on probability where it cannot be had. */
function signalRule(
  source: DecisionSource,
  calibrate: CalibrateRows,
  { signal, threshold, hasSets }: DecisionSettings & { hasSets: boolean },
  notices: string[],
): Decision["signal"] {
  const instead = (why: string): Decision["signal"] => {
    notices.push(`Signals go by a probability of at least ${threshold}, not by ${signal.replace("_", " ")}: ${why}.`);
    return { rule: "probability", threshold };
  };
  if (signal === "probability") return { rule: "probability", threshold };
  if (calibrate.folds === null) return instead("too few labels to fit it on");
  if (signal === "set_size") return hasSets ? { rule: "set_size" } : instead("there are no prediction sets");
  const { dataset, horizon, symbol, costs } = source;
  const returns = returnsOf(dataset, horizon, calibrate.rows);
  if (returns === null) return instead(`the dataset has no return_h${horizon}`);
  const byClass = classReturns(calibrate.y, returns);
  const unknown = CLASSES.filter((_, k) => byClass[k] === null && canBe(calibrate.p, k));
  if (unknown.length > 0) {
    return instead(
      `the calibrate rows have no return of class ${unknown.join(", ")}, ${unknown.length === 1 ? "which" : "each of which"} the model thinks possible`,
    );
  }
  const { costs: each, grossBecause } = costsOf(costs, dataset.entryPrice(), calibrate.rows, symbol);
  if (grossBecause !== null) notices.push(`Signals by expected value are before costs: ${grossBecause}.`);
  return { rule: "expected_value", class_returns: byClass, cost: each === null ? null : median(each) };
}

/** Each row by class returns of the folds that do not test it. */
function ownSignals(
  source: DecisionSource,
  { y, p, rows, folds }: CalibrateRows,
  decision: Decision,
  sets: Uint8Array | undefined,
): Int8Array {
  const { signal } = decision;
  const returns = returnsOf(source.dataset, source.horizon, rows);
  if (signal.rule !== "expected_value" || folds === null || returns === null) return decide(decision, p, sets).signals;
  const signals = new Int8Array(rows.length);
  for (const { train, test } of folds) {
    const class_returns = classReturns(
      gather(y, train, new Int8Array(train.length)),
      gather(returns, train, new Float32Array(train.length)),
    );
    const said = decide({ sets: null, signal: { ...signal, class_returns } }, rowsAt(p, test)).signals;
    for (const [j, i] of test.entries()) signals[i] = said[j]!;
  }
  return signals;
}

/** (N) `return_h{H}` of rows; null where there is none. */
export function returnsOf(dataset: StoredDataset, horizon: number, rows: Int32Array): Float32Array | null {
  const all = dataset.returns(horizon);
  if (all === null) return null;
  const own = gather(all, rows, new Float32Array(rows.length));
  return own.every(Number.isNaN) ? null : own;
}

function knownLabels(dataset: StoredDataset, horizon: number, rows: Int32Array) {
  const at = (values: Float64Array): Float64Array => gather(values, rows, new Float64Array(rows.length));
  return {
    timestamps: at(dataset.timestamps()),
    labelEnds: at(dataset.labelEnds(horizon)),
    y: labelsOf(dataset, horizon, rows),
  };
}

function canBe(p: Probabilities, k: number): boolean {
  for (let j = k; j < p.length; j += CLASS_COUNT) if (p[j]! > 0) return true;
  return false;
}

/** Of the values that are numbers. */
function median(values: Float64Array): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return sorted[sorted.length >> 1]!;
}

/** What the report says of it. */
export function decisionFacts(
  { decision, settings, notices }: FittedDecision,
  answers: readonly PartAnswers[],
  source: DecisionSource,
): DecisionFacts {
  const { sets, signal } = decision;
  const partOf = (part: PartAnswers["part"]): DecidedPart | null => {
    const answer = answers.find((candidate) => candidate.part === part);
    return answer === undefined ? null : decidedPart(answer, source);
  };
  const calibrate = partOf("val_calibrate");
  if (calibrate === null) throw new Error("the calibrate rows are always answered");
  return {
    level: settings.level,
    sets: sets === null ? null : { method: sets.method, rows: sets.rows, thresholds: sets.thresholds },
    signal: {
      rule: signal.rule,
      threshold: signal.rule === "probability" ? signal.threshold : null,
      class_returns: signal.rule === "expected_value" ? signal.class_returns : null,
      cost: signal.rule === "expected_value" ? signal.cost : null,
    },
    notices,
    calibrate,
    test: partOf("test"),
  };
}

function decidedPart({ rows, output }: PartAnswers, { dataset, horizon, symbol, costs }: DecisionSource): DecidedPart {
  const { timestamps, y } = knownLabels(dataset, horizon, rows);
  return {
    timestamps,
    y,
    durations: labelDurations(dataset.timestamps(), dataset.labelEnds(horizon), rows),
    sets: output.sets ?? null,
    signals: output.signals ?? new Int8Array(rows.length).fill(NO_TRADE),
    returns: returnsOf(dataset, horizon, rows),
    costs: costsOf(costs, dataset.entryPrice(), rows, symbol).costs,
  };
}
