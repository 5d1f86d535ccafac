import { FoldwiseError } from "../../types/index.js";
import {
  evenBlocks,
  prepareSplits,
  requireCount,
  requireTrain,
  type Split,
  type SplitInput,
  splitAround,
} from "./split.js";

export interface Fold extends Split {
  /** From 0, in the order of time. */
  fold: number;
}

/**
 * Purged k-fold: every usable row is tested once, by a model that trained on both sides of its fold.
 *
 *     fold 0   ├ test ┤p e├──────────── train ────────────┤
 *     fold 1   ├ train ┤p├ test ┤p e├────── train ────────┤
 *     fold 2   ├───── train ─────┤p├ test ┤p e├── train ──┤
 *     fold 3   ├──────── train ───────────┤p├──── test ───┤
 *
 * The folds are those of scikit-learn's `KFold(shuffle=False)`. Purged and embargoed as López de Prado's (2018), chapter 7.4.
 *
 * @throws FoldwiseError `usage.folds` below 2, `usage.embargo` for one that is longer than a fold, `data.too_few_rows`,
 *   `data.empty_fold`, `data.unsorted`, `data.label_end`.
 */
export function purgedKFold(input: SplitInput, folds: number): Fold[] {
  requireCount(folds, 2, "The number of folds");
  const prepared = prepareSplits(input);
  const blocks = evenBlocks(input.rows.length, folds, "folds");
  requireEmbargo(input.embargo, Math.floor(input.rows.length / folds));
  return blocks.map((block, fold) =>
    requireTrain({ fold, ...splitAround(prepared, [block]) }, prepared, `fold ${fold + 1} of ${folds}`),
  );
}

/** @throws FoldwiseError `usage.embargo` for an embargo that swallows the fold that follows. */
export function requireEmbargo(embargo: number, rows: number): void {
  if (embargo <= rows) return;
  throw new FoldwiseError("usage.embargo", `The embargo of ${embargo} rows is longer than a fold of ${rows} rows.`, {
    remedy: "Give a smaller --embargo, fewer folds, or more bars.",
    details: { embargo, fold: rows },
  });
}
