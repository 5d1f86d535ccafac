/** What ends trials: by the metric, and by how many fits there are. */
import { expect, it } from "vitest";
import { resolveTrainingConfig } from "../../../src/config/index.js";
import { prunerOf } from "../../../src/training/tuning/pruner.js";
import type { TrialContext } from "../../../src/training/tuning/trial.js";

const tuningOf = (flags: Record<string, string>) => resolveTrainingConfig({ cwd: process.cwd(), flags }).config.tuning;
const over = (tested: readonly number[], seeds = [1]) =>
  ({
    ...{ rounds: 1000, seeds },
    plan: { folds: tested.map((count) => ({ test: new Int32Array(count) })) },
  }) as unknown as TrialContext;

it("is a race of folds, weighed by their tested rows, where the metric is a loss", () => {
  for (const metric of ["logloss", "brier"])
    expect(prunerOf(tuningOf({ "tuning.metric": metric }), over([30, 40], [1, 2]))).toMatchObject({
      kind: "race",
      rows: [30, 40, 30, 40],
    });
});

it("is none for other metrics, and goes by rounds for a loss with a single fit", () => {
  for (const metric of ["accuracy", "f1_macro", "mcc", "sharpe"])
    expect(prunerOf(tuningOf({ "tuning.metric": metric }), over([30, 40]))).toEqual({ kind: "none" });
  expect(prunerOf(tuningOf({}), over([30]))).toMatchObject({ kind: "median", warmup: 49 });
});

it("is the one that was asked for", () => {
  const asked = (pruner: string) =>
    prunerOf(tuningOf({ "tuning.pruner": pruner, "tuning.metric": "mcc" }), over([9, 9]));
  expect(asked("race")).toMatchObject({ kind: "race", rows: [9, 9] });
  expect(asked("hyperband")).toEqual({ kind: "hyperband", min_resource: 100, max_resource: 2000, reduction: 3 });
  expect(asked("none")).toEqual({ kind: "none" });
});
