import { gather, places } from "../types/index.js";
import { type Probabilities, rowLogLosses } from "./losses.js";
import { constantProbabilities, priorOf } from "./prior.js";

/** Answers of one model, a row once for each fit that answered it; in any order. */
export interface AnsweredOnce {
  timestamps: Float64Array;
  labelEnds: Float64Array;
  labels: Int8Array;
  /** (N, 3), columns −1, 0, 1. */
  p: Probabilities;
}

/** What a model lost on each of its rows, a row once, in time order. */
export interface RowResults {
  /** (N) microseconds, increasing. */
  timestamps: Float64Array;
  labelEnds: Float64Array;
  labels: Int8Array;
  /** (N) log-losses; of a row that several fits answered, their mean, as in `evaluateRepeats`. Nats. */
  loss: Float64Array;
}

export function rowResults({ timestamps, labelEnds, labels, p }: AnsweredOnce): RowResults {
  const losses = rowLogLosses(labels, p);
  const order = places(timestamps.length).sort((a, b) => timestamps[a]! - timestamps[b]!);
  // Where each row's answers begin in `order`.
  const starts = places(order.length).filter((at) => at === 0 || timestamps[order[at]!] !== timestamps[order[at - 1]!]);
  const n = starts.length;
  const rows = gather(order, starts, new Int32Array(n));
  const loss = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    const [start, end] = [starts[row]!, starts[row + 1] ?? order.length];
    let sum = 0;
    for (let at = start; at < end; at++) sum += losses[order[at]!]!;
    loss[row] = sum / (end - start);
  }
  return {
    timestamps: gather(timestamps, rows, new Float64Array(n)),
    labelEnds: gather(labelEnds, rows, new Float64Array(n)),
    labels: gather(labels, rows, new Int8Array(n)),
    loss,
  };
}

/** Several models on the rows that all of them answered. */
export interface CommonRows {
  timestamps: Float64Array;
  labelEnds: Float64Array;
  labels: Int8Array;
  /** Of each model, in the order given. */
  losses: Float64Array[];
}

/** Rows of one time are one row; may be none. Whether all know the same label of it is for `sameLabels` to say. */
export function commonRows(models: readonly RowResults[]): CommonRows {
  const [first] = models;
  if (first === undefined) throw new Error("no model is given");
  const timestamps = models.reduce((times, model) => {
    const places = placesOf(times, model.timestamps);
    return times.filter((_, i) => places[i]! >= 0);
  }, first.timestamps);
  const own = placesOf(timestamps, first.timestamps);
  return {
    timestamps,
    labelEnds: gather(first.labelEnds, own, new Float64Array(own.length)),
    labels: gather(first.labels, own, new Int8Array(own.length)),
    losses: models.map(({ timestamps: times, loss }) =>
      gather(loss, placesOf(timestamps, times), new Float64Array(own.length)),
    ),
  };
}

/** Whether two models were asked the same question: on the rows common to both, of which there is one at least. */
export function sameLabels(one: RowResults, other: RowResults): boolean {
  const places = placesOf(one.timestamps, other.timestamps);
  const common = one.labels.filter((_, i) => places[i]! >= 0);
  const theirs = places.filter((place) => place >= 0);
  return common.length > 0 && common.every((label, i) => label === other.labels[theirs[i]!]);
}

/** Where each of the wanted times stands among others, −1 where it does not; both increasing. */
function placesOf(wanted: Float64Array, times: Float64Array): Int32Array {
  const found = new Int32Array(wanted.length);
  let at = 0;
  for (let i = 0; i < wanted.length; i++) {
    const time = wanted[i]!;
    while (at < times.length && times[at]! < time) at++;
    found[i] = times[at] === time ? at : -1;
  }
  return found;
}

/**
 * What each model gains on the class shares of the rows, block by block: what all of them find hard would otherwise make any two
 * alike.
 *
 * @param block Rows; what does not fill a block is left out at the end, unless there is not one whole block.
 * @returns (models) of (blocks) each, means of a row, nats; above zero is better.
 */
export function blockGains({ labels, losses }: CommonRows, block: number): Float64Array[] {
  const shares = rowLogLosses(labels, constantProbabilities(priorOf(labels), labels.length));
  const length = Math.min(block, labels.length);
  const blocks = Math.floor(labels.length / length);
  return losses.map((loss) => {
    const gains = new Float64Array(blocks);
    for (let i = 0; i < blocks * length; i++) gains[Math.floor(i / length)]! += (shares[i]! - loss[i]!) / length;
    return gains;
  });
}
