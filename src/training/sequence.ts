import { windowEnds } from "../data/index.js";
import type { ModelDefinition } from "../models/index.js";
import type { StoredDataset } from "../types/index.js";
import { type FeatureMatrix, FoldwiseError } from "../types/index.js";
import { defaultEmbargo, type HoldoutPlan, longestRun, rowsWithWindow } from "../validation/index.js";

const SHORTER = "Use a shorter window (--seq-len), or data with longer unbroken pieces.";
/** Refusals in which the embargo is told as a cause. */
const BLAMES_EMBARGO = new Set<string>(["data.empty_part", "data.empty_fold", "usage.embargo"]);

/** Bars of a window of a model with these settings; null for models of single rows. */
export function seqLenOf({ capabilities }: ModelDefinition, training: Record<string, unknown>): number | null {
  if (capabilities.input !== "sequence") return null;
  const length = training.seq_len;
  if (typeof length === "number") return length;
  throw new FoldwiseError("model.bad_definition", "A sequence model has no training.seq_len.", {
    remedy: "Give its definition the key, a whole number of bars.",
  });
}

/**
 * The plan of a run whose longest window has `seqLen` bars. Rows that are scored all have one, so that every model of the run is
 * compared on the same rows; training rows are each model's own affair.
 *
 *     piece 0                piece 1
 *     ├───────────────────┤  ├─────────────┤
 *                    ····    ······          · no window of seven bars ends here
 *
 * @throws FoldwiseError `data.no_window` when a part has no row left.
 */
export function withWindows(plan: HoldoutPlan, dataset: StoredDataset, seqLen: number | null): HoldoutPlan {
  if (seqLen === null || seqLen === 1) return plan;
  const piece = dataset.piece();
  const kept = { ...plan, lost: { ...plan.lost } };
  for (const part of ["stop", "calibrate", "test"] as const) {
    const rows = rowsWithWindow(plan[part], piece, seqLen);
    if (rows.length === 0) throw noWindow(`of the ${part} part`, plan[part].length, seqLen);
    kept.lost[part] = { ...plan.lost[part], windowless: plan[part].length - rows.length };
    kept[part] = rows;
  }
  return kept;
}

/**
 * Before rows are planned, since the embargo grows with the window and would be blamed for an empty part.
 *
 * @param rows Those of the dataset that the run may use, from its first; all by default.
 * @throws FoldwiseError `data.no_window` when the window is longer than every piece of them.
 */
export function requireWindow(dataset: StoredDataset, seqLen: number | null, rows?: number): void {
  if (seqLen === null || seqLen === 1) return;
  const longest = longestRun(dataset.piece().subarray(0, rows));
  if (longest >= seqLen) return;
  throw new FoldwiseError(
    "data.no_window",
    `A window of ${seqLen} bars is longer than any piece of the data; the longest has ${longest} bars.`,
    { remedy: SHORTER, details: { longest, seqLen } },
  );
}

/**
 * What `plan` makes of the embargo: the one asked for, or the default, which is no shorter than the window. If rows run out
 * because of a default that the window has raised, the remedy says so.
 *
 * @param rows Of train and validation.
 */
export function withEmbargo<T>(
  asked: number | undefined,
  rows: number,
  seqLen: number | null,
  plan: (embargo: number) => T,
): T {
  const embargo = asked ?? defaultEmbargo(rows, seqLen ?? 0);
  try {
    return plan(embargo);
  } catch (cause) {
    const raised = asked === undefined && embargo > defaultEmbargo(rows);
    if (!raised || !(cause instanceof FoldwiseError) || !BLAMES_EMBARGO.has(cause.code)) throw cause;
    throw new FoldwiseError(cause.code, `${cause.message} The window of ${seqLen} bars sets that embargo.`, {
      remedy: `Use a shorter window (--seq-len). Or: ${cause.remedy}`,
      details: { ...cause.details, seqLen },
      cause,
    });
  }
}

/** Positions of the examples of `X` that end a full window; throws `data.no_window` where there is none. */
export function examplesOf(X: FeatureMatrix, seqLen: number, what: string, from = 0): Int32Array {
  const ends = windowEnds(X, seqLen, from);
  if (ends.length === 0 && X.shape[0] > 0) throw noWindow(what, X.shape[0], seqLen);
  return ends;
}

function noWindow(what: string, rows: number, seqLen: number): FoldwiseError {
  return new FoldwiseError(
    "data.no_window",
    `At none of the ${rows} rows ${what} ends a window of ${seqLen} bars within one piece.`,
    { remedy: SHORTER, details: { rows, seqLen } },
  );
}
