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
  /** (N) trading day of each bar, where labels end with it. */
  session?: Int32Array | undefined;
  /** What becomes of a label whose horizon reaches beyond the session; `cross` by default. */
  atSessionEnd?: LabelSpec["session"];
  /** (N) how prices came from those quoted: price = quoted × factor + shift; as quoted where left out. */
  adjustment?: { factor: Float64Array; shift: Float64Array } | undefined;
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
  /** The session ends before the horizon (or, where labels are truncated, with the row itself). */
  session: number;
  /** The average range is zero: the barriers would lie on the entry. */
  flat: number;
}

export interface TripleBarrierLabels {
  /** `w` is 1 everywhere; weights are a step of their own. */
  labels: HorizonLabels;
  /** (N) price of the entry as quoted; NaN where there is no next bar. */
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
 * time would drop neutral ones and bend the class shares before every gap. With `truncate` the vertical barrier stands at the
 * session's last bar at the latest. Nothing after a label's end changes it.
 *
 * The return is (exit − entry) / (entry − shift): of prices joined by difference, points over the quoted entry; of prices joined
 * by ratio, the simple return that a position rolled at the joining prices had.
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
  const lost: LostLabels = { warmup: 0, gaps: 0, end: 0, session: 0, flat: 0 };
  const reach = reachOf(options);
  const outcome = newOutcome();

  for (let t = options.from ?? 0; t < n; t++) {
    const price = entry === "close" ? close[t]! : t + 1 < n ? open[t + 1]! : Number.NaN;
    const at = entry === "close" ? t : t + 1;
    const shift = options.adjustment?.shift[at] ?? 0;
    entryPrice[t] = (price - shift) / (options.adjustment?.factor[at] ?? 1);
    if (Number.isNaN(atr[t]!)) {
      lost.warmup++;
      continue;
    }
    const ahead = reach(t);
    if (typeof ahead === "string") {
      lost[ahead]++;
      continue;
    }
    const distance = barrierDistance(k, atr[t]!, horizon, price);
    if (Number.isNaN(distance)) {
      lost.flat++;
      continue;
    }
    labelOne(bars, t + 1, ahead, price, distance, outcome);
    y[t] = outcome.label;
    end[t] = timestamp[outcome.exit]!;
    r[t] = (outcome.price - price) / (price - shift);
    exitKind[t] = outcome.kind;
    duration[t] = outcome.exit - t;
  }
  return { labels: { horizon, y, end, w: new Float32Array(n).fill(1), r }, entryPrice, exitKind, duration, lost };
}

/** How many bars a row's label may look at; or why it has none. */
export function reachOf({
  horizon,
  piece,
  session,
  atSessionEnd = "cross",
}: Pick<TripleBarrierOptions, "horizon" | "piece" | "session" | "atSessionEnd">): (
  t: number,
) => number | "gaps" | "end" | "session" {
  const n = piece.length;
  const pieceEnds = endsOfPieces(piece);
  const sessionEnds = session === undefined || atSessionEnd === "cross" ? null : endsOfPieces(session);
  return (t) => {
    let bars = horizon;
    if (sessionEnds !== null && t + horizon >= sessionEnds[t]!) {
      // Whether the last session of the series is whole is not known.
      if (sessionEnds[t] === n) return "end";
      bars = sessionEnds[t]! - 1 - t;
      if (atSessionEnd === "drop" || bars < 1) return "session";
    }
    if (t + bars >= pieceEnds[t]!) return pieceEnds[t] === n ? "end" : "gaps";
    return bars;
  };
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
