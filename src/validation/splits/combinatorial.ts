import { FoldwiseError } from "../../types/index.js";
import { type Fold, requireEmbargo } from "./kFold.js";
import {
  type Block,
  evenBlocks,
  MOST_SPLITS,
  prepareSplits,
  requireCount,
  requireTrain,
  type SplitInput,
  splitAround,
} from "./split.js";

export interface CombinatorialFold extends Fold {
  /** Groups that it tests, ascending, from 0. */
  groups: number[];
}

export interface CombinatorialOptions {
  /** N, groups of neighbouring rows. */
  groups: number;
  /** k, groups that each split tests. */
  testGroups: number;
}

/** One backtest path: for each group, in order, the split whose answers stand there. */
export type BacktestPath = number[];

/**
 * Combinatorial purged cross-validation: every choice of k among N groups is tested once, so that every row is tested by
 * C(N − 1, k − 1) models, whose answers are put together to as many backtest paths through all of the time.
 *
 *     N = 4, k = 2            group 0   1   2   3        path 0   1   2
 *     split 0 tests 0, 1            ■   ■                group 0: split 0, 1, 2
 *     split 1 tests 0, 2            ■       ■            group 1: split 0, 3, 4
 *     split 2 tests 0, 3            ■           ■        group 2: split 1, 3, 5
 *     split 3 tests 1, 2                ■   ■            group 3: split 2, 4, 5
 *     split 4 tests 1, 3                ■       ■
 *     split 5 tests 2, 3                    ■   ■
 *
 * Around every tested group training rows are purged and embargoed as in `purgedKFold`; neighbouring tested groups are one
 * block. López de Prado (2018), chapter 12. Splits are made one at a time, as they are asked for.
 *
 * @throws FoldwiseError `usage.folds`, `usage.embargo`, `data.too_few_rows`, `data.unsorted`, `data.label_end` at once;
 *   `data.empty_fold` with the split.
 */
export function combinatorialPurged(input: SplitInput, options: CombinatorialOptions): Iterable<CombinatorialFold> {
  const { groups, testGroups } = options;
  const count = splitCount(options);
  const prepared = prepareSplits(input);
  const blocks = evenBlocks(input.rows.length, groups, "groups");
  requireEmbargo(input.embargo, Math.floor(input.rows.length / groups));
  return {
    *[Symbol.iterator]() {
      let fold = 0;
      for (const chosen of choices(groups, testGroups)) {
        const split = splitAround(prepared, joined(chosen.map((group) => blocks[group]!)));
        yield requireTrain({ fold, groups: chosen, ...split }, prepared, `split ${fold + 1} of ${count}`);
        fold += 1;
      }
    },
  };
}

/** The groups' rows, ascending: neighbouring blocks of the usable rows. */
export function groupRows(rows: Int32Array, groups: number): Int32Array[] {
  return evenBlocks(rows.length, groups, "groups").map(({ start, end }) => rows.slice(start, end));
}

/**
 * C(N, k).
 *
 * @throws FoldwiseError `usage.folds` for what is no choice, or more than `MOST_SPLITS` of them.
 */
export function splitCount({ groups, testGroups }: CombinatorialOptions): number {
  requireCount(groups, 2, "The number of groups");
  requireCount(testGroups, 1, "The number of test groups");
  if (testGroups >= groups) {
    throw new FoldwiseError("usage.folds", `${testGroups} of ${groups} groups cannot be tested: none would train.`, {
      remedy: "Give fewer test groups than groups; 10 and 2 are usual.",
    });
  }
  let count = 1;
  for (let i = 1; i <= testGroups; i++) count = (count * (groups - testGroups + i)) / i;
  if (count > MOST_SPLITS) {
    throw new FoldwiseError(
      "usage.folds",
      `${testGroups} of ${groups} groups are ${count} splits; at most ${MOST_SPLITS} are allowed.`,
      {
        remedy: "Give fewer groups, or fewer test groups; 10 and 2 are 45 splits.",
      },
    );
  }
  return Math.round(count);
}

/** The C(N, k) · k / N paths: the p-th takes each group's answers from the p-th split that tests it. */
export function backtestPaths({ groups, testGroups }: CombinatorialOptions): BacktestPath[] {
  const testing: number[][] = Array.from({ length: groups }, () => []);
  let fold = 0;
  for (const chosen of choices(groups, testGroups)) {
    for (const group of chosen) testing[group]!.push(fold);
    fold += 1;
  }
  return testing[0]!.map((_, path) => testing.map((splits) => splits[path]!));
}

/** All ascending choices of k of 0 … n − 1, in lexical order. */
function* choices(n: number, k: number, from = 0): Generator<number[]> {
  if (k === 0) {
    yield [];
    return;
  }
  for (let first = from; first <= n - k; first++) {
    for (const rest of choices(n, k - 1, first + 1)) yield [first, ...rest];
  }
}

/** Neighbours made one. */
function joined(blocks: readonly Block[]): Block[] {
  const out: Block[] = [];
  for (const block of blocks) {
    const last = out.at(-1);
    if (last?.end === block.start) last.end = block.end;
    else out.push({ ...block });
  }
  return out;
}
