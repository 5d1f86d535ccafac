import { assignPieces, Calendar } from "../market/index.js";
import { FoldwiseError, type PipelineSpec } from "../types/index.js";
import type { ServedModel } from "./load.js";

/** The newest bar's features. */
export interface StreamRow {
  /** Close stamp, microseconds; later than that of the row before. */
  timestamp: number;
  /** (F) in the order of the model's features. */
  row: Float32Array;
  /** The piece it belongs to, where the caller knows; another value than the last row's is a gap. */
  piece?: number;
}

export interface StreamAnswer {
  /** (3) of −1, 0, 1; null while the window is not full. */
  probabilities: Float32Array | null;
  /** Rows that the window holds, this one included. */
  filled: number;
  /** Why the rows before this one were let go; null where they were not. */
  gap: string | null;
}

/**
 * Takes one row at a time, as a live service gets them, and answers once it holds the model's T rows. It never bridges a gap: where
 * the piece changes, or more bars are missing than the bundle's pipeline allows (the rule by which `prepare` cuts pieces), it
 * begins to fill its window anew and says so.
 */
export class StreamingPredictor {
  readonly #steps: number;
  readonly #width: number;
  /** Twice the window, so that it is one stretch at every row: rows are written twice, half a buffer apart. */
  readonly #ring: Float32Array;
  readonly #breaks: (before: number, now: number) => boolean;
  #next = 0;
  #filled = 0;
  #last: { timestamp: number; piece: number | undefined } | null = null;

  constructor(private readonly model: ServedModel) {
    this.#steps = model.seqLen ?? 1;
    this.#width = model.featureNames.length;
    this.#ring = new Float32Array(2 * this.#steps * this.#width);
    this.#breaks = breaksOf(model.pipeline);
  }

  /**
   * @throws FoldwiseError `data.not_increasing` for a row that is not later than the last, `data.wrong_shape`, and what predicting throws.
   * A row that is refused is not taken.
   */
  async push({ timestamp, row, piece }: StreamRow): Promise<StreamAnswer> {
    if (row.length !== this.#width) {
      throw new FoldwiseError("data.wrong_shape", `Got a row of ${row.length} values; the model has ${this.#width}.`, {
        remedy: "Give one value for each of model.featureNames, in that order.",
      });
    }
    const gap = this.#gapBefore(timestamp, piece);
    if (gap !== null) this.#filled = 0;
    this.#last = { timestamp, piece };
    const at = this.#next;
    this.#ring.set(row, at * this.#width);
    this.#ring.set(row, (at + this.#steps) * this.#width);
    this.#next = (at + 1) % this.#steps;
    this.#filled = Math.min(this.#filled + 1, this.#steps);
    const filled = this.#filled;
    if (filled < this.#steps) return { probabilities: null, filled, gap };
    // A copy: the next row may come before this one is answered.
    const window = this.#ring.slice((at + 1) * this.#width, (at + 1 + this.#steps) * this.#width);
    return { probabilities: await this.model.predictWindow(window), filled, gap };
  }

  #gapBefore(timestamp: number, piece: number | undefined): string | null {
    const last = this.#last;
    if (last === null) return null;
    if (!(timestamp > last.timestamp)) {
      throw new FoldwiseError("data.not_increasing", `A row at ${timestamp} came after one at ${last.timestamp}.`, {
        remedy: "Give rows in time order, each once; timestamps are microseconds of the bars' close.",
        details: { got: timestamp, after: last.timestamp },
      });
    }
    if (piece !== last.piece) return `piece ${String(last.piece)} ended and ${String(piece)} began`;
    return this.#breaks(last.timestamp, timestamp) ? "more bars are missing than one piece may lack" : null;
  }
}

function breaksOf(pipeline: PipelineSpec | null): (before: number, now: number) => boolean {
  if (pipeline === null) return () => false;
  const { step, maxGap, sessions } = pipeline;
  const calendar = new Calendar(sessions);
  return (before, now) => assignPieces(Float64Array.of(before, now), { step, calendar, maxGap }).breaks > 0;
}
