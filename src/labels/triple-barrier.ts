import { type Bars, type HorizonLabels, type LabelSpec, NO_LABEL } from "../types/index.js";
import { wilderAtr } from "./atr.js";
import { barrierDistance, EXIT, labelOne, newOutcome } from "./barrier.js";

export interface TripleBarrierOptions {
  /** Bars until the vertical barrier. */
  horizon: number;
  /** Barrier distance in units of ATR · √H, a side. */
  k: number;
  entry: LabelSpec["entry"];
  atrPeriod: number;
  /** (N) ids; a label's bars stay within one. */
  piece: Int32Array;
  /** (N) average true range, when it is computed once for several horizons; `wilderAtr(bars, atrPeriod, piece)` by default. */
  atr?: Float64Array;
  /** Rows before this one (a warm-up) get no label and are counted nowhere; 0 by default. */
  from?: number;
}

/** Rows without a label, by reason. */
export interface LostLabels {
  /** Before the ATR has its first value. */
  warmup: number;
  /** The H bars ahead reach into another piece. */
  gaps: number;
  /** Fewer than H bars until the series ends. */
  end: number;
  /** The average range is zero: the barriers would lie on the entry. */
  flat: number;
}

export interface TripleBarrierLabels {
  /** `w` is 1 everywhere; weights are a step of their own. */
  labels: HorizonLabels;
  /** (N) price of the entry; NaN where there is no next bar. */
  entryPrice: Float64Array;
  /** (N) of `EXIT`. */
  exitKind: Uint8Array;
  /** (N) bars from t to the exit bar, 1 to H; 0 for context rows. */
  duration: Int32Array;
  lost: LostLabels;
}

/**
 * Triple-barrier labels of one horizon (design, section 3).
 *
 *     row t ──● features known at its close
 *             └─ entry: close of t, or open of t+1 ──▶ bars t+1 … t+H ──▶ vertical barrier: close of t+H
 *
 * A row needs all H bars ahead inside its piece even if a barrier is touched sooner: keeping only the rows that were touched in
 * time would drop neutral ones and bend the class shares before every gap. Prices are taken as given, so `return` is exact for
 * unadjusted bars. Nothing after a label's end changes it.
 */
export function tripleBarrier(bars: Bars, options: TripleBarrierOptions): TripleBarrierLabels {
  const { n, timestamp, open, close } = bars;
  const { horizon, k, entry, atrPeriod, piece } = options;
  const atr = options.atr ?? wilderAtr(bars, atrPeriod, piece);
  const y = new Int8Array(n).fill(NO_LABEL);
  const end = new Float64Array(n).fill(Number.NaN);
  const r = new Float32Array(n).fill(Number.NaN);
  const entryPrice = new Float64Array(n).fill(Number.NaN);
  const exitKind = new Uint8Array(n);
  const duration = new Int32Array(n);
  const lost: LostLabels = { warmup: 0, gaps: 0, end: 0, flat: 0 };
  const pieceEnds = endsOfPieces(piece);
  const outcome = newOutcome();

  for (let t = options.from ?? 0; t < n; t++) {
    const price = entry === "close" ? close[t]! : t + 1 < n ? open[t + 1]! : Number.NaN;
    entryPrice[t] = price;
    if (Number.isNaN(atr[t]!)) {
      lost.warmup++;
      continue;
    }
    if (t + horizon >= pieceEnds[t]!) {
      if (pieceEnds[t] === n) lost.end++;
      else lost.gaps++;
      continue;
    }
    const distance = barrierDistance(k, atr[t]!, horizon, price);
    if (Number.isNaN(distance)) {
      lost.flat++;
      continue;
    }
    labelOne(bars, t + 1, horizon, price, distance, outcome);
    y[t] = outcome.label;
    end[t] = timestamp[outcome.exit]!;
    r[t] = (outcome.price - price) / price;
    exitKind[t] = outcome.kind;
    duration[t] = outcome.exit - t;
  }
  return { labels: { horizon, y, end, w: new Float32Array(n).fill(1), r }, entryPrice, exitKind, duration, lost };
}

/** (N) for each row, the first row after its piece (N for the last piece). */
export function endsOfPieces(piece: Int32Array): Int32Array {
  const n = piece.length;
  const ends = new Int32Array(n);
  let end = n;
  for (let t = n - 1; t >= 0; t--) {
    if (t + 1 < n && piece[t] !== piece[t + 1]) end = t + 1;
    ends[t] = end;
  }
  return ends;
}

/** Whether an exit was at an open beyond the barrier. */
export function isGapThrough(kind: number): boolean {
  return kind === EXIT.upperGap || kind === EXIT.lowerGap;
}
