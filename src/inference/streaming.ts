import { pieceBreaks } from "../market/index.js";
import { FoldwiseError } from "../types/index.js";
import type { ServedModel } from "./load.js";

/** A bar's features as they become known. */
export interface StreamedRow {
  /** Close stamp of the bar, microseconds UTC; later than the last one's. */
  timestamp: number;
  /** (F) in the order of `model.featureNames`; copied. */
  row: Float32Array;
  /** Where the source numbers its pieces: a new number begins a new window. */
  piece?: number;
}

/** Why there is no answer: the window fills, or it was emptied by this bar, which is the first of a new one. */
export type NoAnswerReason = "filling" | "new_piece" | "gap";

export type StreamedAnswer =
  /** (3) probabilities of −1, 0, 1 for the newest bar. */
  | { probabilities: Float32Array; filled: number; reason: null }
  /** `filled` of `model.seqLen` bars are there. */
  | { probabilities: null; filled: number; reason: NoAnswerReason };

/**
 * A model that is asked bar by bar: it keeps the last T rows and answers for the newest, as `predict` would on the same rows. Never across a
 * gap: where a new piece begins, or where the bundle's pipeline says that too many expected bars are missing (the rule of `prepare`), the
 * window begins anew. Tabular models answer at once (T = 1).
 *
 * ```
 * T = 3    bar     1  2  3  4  │ gap │  9 10 11
 *          answer  –  –  p  p           –  –  p
 * ```
 *
 * A change of contract that is not adjusted is not to be seen in the stamps: give such bars a `piece` of their own.
 */
export class StreamingPredictor {
  readonly #length: number;
  readonly #width: number;
  /** Two copies of the last T rows, one behind the other, so that they lie side by side wherever the newest stands. */
  readonly #ring: Float32Array;
  readonly #isBreak: (before: number, now: number) => boolean;
  #filled = 0;
  /** Where the next row goes, 0 … T − 1. */
  #next = 0;
  #last = Number.NEGATIVE_INFINITY;
  #piece: number | undefined;

  constructor(readonly model: ServedModel) {
    this.#length = model.seqLen ?? 1;
    this.#width = model.featureNames.length;
    this.#ring = new Float32Array(2 * this.#length * this.#width);
    this.#isBreak = model.pipeline === null ? () => false : pieceBreaks(model.pipeline);
  }

  /**
   * Takes the next bar; answers as soon as there is a full window. Calls may overlap. A refused bar leaves the window as it was.
   *
   * @throws FoldwiseError `data.unsorted`, `data.wrong_shape`, `data.infinite_feature`; `bundle.bad_output`.
   */
  async push({ timestamp, row, piece }: StreamedRow): Promise<StreamedAnswer> {
    this.#check(timestamp, row);
    const reason = this.#reasonToEmpty(timestamp, piece);
    if (reason !== null) this.#filled = 0;
    this.#last = timestamp;
    this.#piece = piece ?? this.#piece;
    const end = this.#keep(row);
    const filled = this.#filled;
    if (filled < this.#length) return { probabilities: null, filled, reason: reason ?? "filling" };
    const window = this.#ring.subarray((end - this.#length) * this.#width, end * this.#width);
    const { model } = this;
    const probabilities = await (model.seqLen === null ? model.predictRow(window) : model.predictWindow(window));
    return { probabilities, filled, reason: null };
  }

  /** Forgets all bars: the next one may have any stamp. */
  reset(): void {
    this.#filled = 0;
    this.#last = Number.NEGATIVE_INFINITY;
    this.#piece = undefined;
  }

  /** Writes a row in both places; answers where the T rows up to it end in the second half. */
  #keep(row: Float32Array): number {
    const at = this.#next;
    this.#ring.set(row, at * this.#width);
    this.#ring.set(row, (at + this.#length) * this.#width);
    this.#next = (at + 1) % this.#length;
    this.#filled = Math.min(this.#filled + 1, this.#length);
    return at + this.#length + 1;
  }

  #reasonToEmpty(timestamp: number, piece: number | undefined): "new_piece" | "gap" | null {
    if (this.#filled === 0) return null;
    if (piece !== undefined && this.#piece !== undefined && piece !== this.#piece) return "new_piece";
    return this.#isBreak(this.#last, timestamp) ? "gap" : null;
  }

  #check(timestamp: number, row: Float32Array): void {
    // Written so that NaN is refused.
    if (!(timestamp > this.#last && timestamp < Number.POSITIVE_INFINITY)) {
      throw new FoldwiseError(
        "data.unsorted",
        `Got a bar that closed at ${timestamp} µs, ${Number.isFinite(this.#last) ? `not after the last one at ${this.#last}` : "which is no moment"}.`,
        {
          remedy: "Push each bar once, oldest first; call reset() to begin another series.",
          details: { got: timestamp, last: this.#last },
        },
      );
    }
    if (row.length !== this.#width) {
      throw new FoldwiseError(
        "data.wrong_shape",
        `Got a row of ${row.length} values; the model has ${this.#width} features.`,
        { remedy: "Give one value for each of model.featureNames, in that order." },
      );
    }
    const infinite = row.findIndex((value) => Math.abs(value) === Infinity);
    if (infinite < 0) return;
    const feature = this.model.featureNames[infinite];
    throw new FoldwiseError("data.infinite_feature", `The bar's ${feature} is infinite.`, {
      remedy: "Give finite values, or NaN for what is missing.",
      details: { timestamp, feature },
    });
  }
}
