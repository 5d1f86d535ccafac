import { type ErrorCode, NO_LABEL, type RowRange, type Timestamps } from "../types/index.js";
import type { PlaceOfRow } from "./bar-stamps.js";
import { dataError, type Place } from "./failure.js";
import { formatStamp } from "./stamps.js";

/** Pure checks and conversions of whole dataset columns; `place` says where a row stands in which file. */

/** −1, 0, 1 as they are, null (NaN) as `NO_LABEL`; anything else throws `data.bad_label`. */
export function labelsOf(column: string, values: Float64Array, place: PlaceOfRow): Int8Array {
  const labels = new Int8Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) labels[row] = NO_LABEL;
    else if (value === -1 || value === 0 || value === 1) labels[row] = value;
    else
      throw dataError(
        "data.bad_label",
        place(row, column, value),
        `${value} is not a label; allowed are -1, 0, 1 and null.`,
        "Map short, neutral, long to -1, 0, 1.",
      );
  }
  return labels;
}

/** Ends as given: one at every labelled row, not before the row's own timestamp; NaN elsewhere. */
export function givenEnds(
  column: string,
  values: Float64Array,
  labels: Int8Array,
  stamps: Timestamps,
  place: PlaceOfRow,
): Timestamps {
  return values.map((end, row) => {
    if (labels[row] === NO_LABEL) return Number.NaN;
    const fault = (code: ErrorCode, what: string): Error =>
      dataError(code, place(row, column, formatStamp(end)), what, "Give every label the moment its outcome was known.");
    if (Number.isNaN(end)) throw fault("data.label_end_missing", "a labelled row needs an end.");
    if (end < stamps[row]!)
      throw fault(
        "data.label_end_before_row",
        `${formatStamp(end)} is before the row itself, ${formatStamp(stamps[row]!)}.`,
      );
    return end;
  });
}

/**
 * Ends by rule: the timestamp `horizon` rows on, across the files of the split layout; past the last row the last
 * timestamp plus the missing rows times the median step. Never clipped: a clipped end would hide an overlap.
 */
export function derivedEnds(horizon: number, labels: Int8Array, stamps: Timestamps, medianStep: number): Timestamps {
  const last = stamps.length - 1;
  return stamps.map((_, row) => {
    if (labels[row] === NO_LABEL) return Number.NaN;
    const end = row + horizon;
    return end <= last ? stamps[end]! : stamps[last]! + (end - last) * medianStep;
  });
}

/** Weights of labelled rows must be finite and above 0; context rows get 1 where they have none. */
export function weightsOf(column: string, values: Float64Array, labels: Int8Array, place: PlaceOfRow): Float32Array {
  const weights = Float32Array.from(values);
  for (let row = 0; row < weights.length; row++) {
    if (weights[row]! > 0 && weights[row]! < Number.POSITIVE_INFINITY) continue;
    if (labels[row] !== NO_LABEL) throw badWeight(values[row]!, place(row, column, values[row]));
    weights[row] = 1;
  }
  return weights;
}

function badWeight(weight: number, place: Place): Error {
  const said = Number.isNaN(weight) ? "a labelled row has no weight" : `${weight} is not a weight`;
  return dataError(
    "data.bad_weight",
    place,
    `${said}; allowed are finite numbers above 0.`,
    "Correct the weights, or remove the column: every row then weighs 1.",
  );
}

/** ±inf throws `data.not_finite`; null stays NaN. */
export function finiteOrMissing(column: string, values: Float64Array, place: PlaceOfRow): Float64Array {
  for (let row = 0; row < values.length; row++) {
    if (Math.abs(values[row]!) === Number.POSITIVE_INFINITY) throw infiniteValue(column, values[row]!, row, place);
  }
  return values;
}

export function infiniteValue(column: string, value: number, row: number, place: PlaceOfRow): Error {
  return dataError(
    "data.not_finite",
    place(row, column, value),
    "the value is infinite, or too large for a 32-bit float.",
    "Correct it, or leave it empty if it is unknown.",
  );
}

/** Piece numbers as given; whole numbers only. A number that comes back after another one starts a piece of its own. */
export function piecesOf(column: string, values: Float64Array, place: PlaceOfRow): Int32Array {
  const bad = values.findIndex((value) => !Number.isInteger(value) || Math.abs(value) > 0x7fffffff);
  if (bad >= 0) {
    throw dataError(
      "data.bad_piece",
      place(bad, column, values[bad]),
      "a piece is a whole number.",
      "Number the unbroken stretches 0, 1, 2 …, or remove the column.",
    );
  }
  const pieces = Int32Array.from(values);
  return recurs(pieces) ? runs(pieces) : pieces;
}

function recurs(pieces: Int32Array): boolean {
  const seen = new Set<number>();
  return pieces.some((piece, row) => {
    if (row > 0 && pieces[row - 1] === piece) return false;
    const again = seen.has(piece);
    seen.add(piece);
    return again;
  });
}

function runs(pieces: Int32Array): Int32Array {
  let run = 0;
  return pieces.map((piece, row) => {
    if (row > 0 && pieces[row - 1] !== piece) run++;
    return run;
  });
}

/** One piece a file. */
export function piecePerFile(files: readonly RowRange[]): Int32Array {
  const pieces = new Int32Array(files.at(-1)?.end ?? 0);
  for (const [k, { start, end }] of files.entries()) pieces.fill(k, start, end);
  return pieces;
}
