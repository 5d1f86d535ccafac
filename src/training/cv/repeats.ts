import {
  type BaselineAnswers,
  lastKnownLabels,
  pastReturnSigns,
  type RepeatedAnswers,
  type RepeatedRows,
  type StateShares,
  sharesByState,
  stateHit,
  stateLoss,
} from "../../evaluation/index.js";
import { averageUniqueness, exitRows, labelDurations } from "../../labels/index.js";
import { gather, type StoredDataset } from "../../types/index.js";
import { groupRows } from "../../validation/index.js";
import { labelsOf } from "../rows.js";
import type { AnsweredFold } from "./oof.js";
import type { CvPlan } from "./plan.js";

/** All tested rows of a job, with the whole sets of answers that its folds make. */
export interface TestedRows extends RepeatedRows {
  /** `last_label`, and `past_return` where the dataset has prices. */
  baselines: Record<string, BaselineAnswers>;
}

/** What a baseline knows of each row of the dataset. */
interface Baseline {
  states: Int8Array;
  answers: BaselineAnswers;
}

/** Rows that some fold tests, ascending. */
export function rowsTested({ folds, timestamps }: Pick<CvPlan, "folds" | "timestamps">): Int32Array {
  const tested = new Uint8Array(timestamps.length);
  for (const { test } of folds) for (const row of test) tested[row] = 1;
  const rows = new Int32Array(tested.length);
  let count = 0;
  for (let row = 0; row < tested.length; row++) if (tested[row] === 1) rows[count++] = row;
  return rows.slice(0, count);
}

/** The answers put together to whole repeats: of each seed all folds, of CPCV each of its paths; baselines fitted fold by fold. */
export function testedRows(
  dataset: StoredDataset,
  horizon: number,
  plan: CvPlan,
  seeds: number,
  folds: readonly AnsweredFold[],
): TestedRows {
  const rows = rowsTested(plan);
  const times = dataset.timestamps();
  const ends = dataset.labelEnds(horizon);
  const uniqueness = averageUniqueness(times, ends, rows);
  const position = new Int32Array(times.length);
  for (let i = 0; i < rows.length; i++) position[rows[i]!] = i;
  const ways = piecesOf(plan);
  const y = labelsOf(dataset, horizon, rows);
  const baselines = baselinesOf(dataset, horizon, rows.length);
  const repeats = Array.from({ length: seeds }, (_, repeat) => {
    const ofSeed = folds.filter((each) => each.repeat === repeat);
    return ways.map((pieces) => {
      const answers: RepeatedAnswers = {
        p: new Float32Array(3 * rows.length),
        prior: new Float32Array(3 * rows.length),
      };
      for (const { fold, only } of pieces) place(answers, ofSeed[fold]!, only, position);
      return answers;
    });
  }).flat();
  // Seeds change nothing of a baseline: one set of folds stands for all.
  const first = folds.filter((each) => each.repeat === 0);
  for (const { states, answers } of Object.values(baselines)) {
    const shares = first.map((fold) => sharesOf(states, dataset, horizon, fold));
    for (const { fold, only } of ways.flat()) {
      for (const row of first[fold]!.fold.test) {
        if (only !== null && !only.has(row)) continue;
        const i = position[row]!;
        const [state, label] = [states[row]!, y[i]!];
        answers.loss[i]! += stateLoss(shares[fold]!, state, label) / ways.length;
        if (stateHit(shares[fold]!, state, label)) answers.hits[i]! += 1 / ways.length;
      }
    }
  }
  return {
    y,
    repeats,
    uniqueness: gather(uniqueness, rows, new Float32Array(rows.length)),
    durations: labelDurations(times, ends, rows),
    baselines: Object.fromEntries(Object.entries(baselines).map(([name, { answers }]) => [name, answers])),
  };
}

/** Of each whole set of answers, which fold gives which rows; null: all that it tested. */
function piecesOf(plan: CvPlan): { fold: number; only: ReadonlySet<number> | null }[][] {
  if (plan.paths === null) return [plan.folds.map(({ fold }) => ({ fold, only: null }))];
  const [first = []] = plan.paths;
  const groups = groupRows(plan.rows, first.length).map((rows) => new Set(rows));
  return plan.paths.map((path) => path.map((fold, group) => ({ fold, only: groups[group]! })));
}

function place(
  { p, prior }: RepeatedAnswers,
  { fold, answer }: AnsweredFold,
  only: ReadonlySet<number> | null,
  position: Int32Array,
): void {
  fold.test.forEach((row, i) => {
    if (only !== null && !only.has(row)) return;
    const at = 3 * position[row]!;
    for (let k = 0; k < 3; k++) {
      p[at + k] = answer.p[3 * i + k]!;
      prior[at + k] = answer.facts.prior[k]!;
    }
  });
}

/** Without prices the past return is not known. */
function baselinesOf(dataset: StoredDataset, horizon: number, n: number): Record<string, Baseline> {
  const answers = (): BaselineAnswers => ({ loss: new Float64Array(n), hits: new Float64Array(n) });
  const exits = exitRows(dataset.timestamps(), dataset.labelEnds(horizon));
  const prices = dataset.entryPrice();
  const entry = dataset.manifest.pipeline?.labels.entry;
  return {
    last_label: { states: lastKnownLabels(dataset.labels(horizon), exits), answers: answers() },
    ...(prices === null || !prices.some((price) => !Number.isNaN(price))
      ? {}
      : {
          past_return: {
            // The next bar's open is known a row later; so it is taken to be where the entry is not known.
            states: pastReturnSigns(prices, unrolledPieces(dataset), { horizon, lag: entry === "close" ? 0 : 1 }),
            answers: answers(),
          },
        }),
  };
}

/** Pieces cut at changes of contract too: prices are as quoted, and the next contract's stand at another level. */
function unrolledPieces(dataset: StoredDataset): Int32Array {
  const rolls = (dataset.manifest.pipeline?.rolls ?? []).map(({ timestamp }) => timestamp);
  const piece = dataset.piece();
  if (rolls.length === 0) return piece;
  const times = dataset.timestamps();
  let [cuts, next] = [0, 0];
  return piece.map((value, row) => {
    for (; next < rolls.length && rolls[next]! <= times[row]!; next++) cuts++;
    return value + cuts;
  });
}

/** Fitted on the fold's training rows, those to stop by included, as the prior is. */
function sharesOf(
  states: Int8Array,
  dataset: StoredDataset,
  horizon: number,
  { fold: { train }, answer }: AnsweredFold,
): StateShares {
  const known = gather(states, train, new Int8Array(train.length));
  return sharesByState(known, labelsOf(dataset, horizon, train), answer.facts.prior);
}
