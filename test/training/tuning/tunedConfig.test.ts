/** `tuned/{job}.yaml`: a winner's settings, written and read again. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ResolvedModel, resolveModelConfig, resolveTrainingConfig } from "../../../src/config/index.js";
import { BUILTIN, ModelRegistry } from "../../../src/models/index.js";
import { spaceOf, withParams } from "../../../src/training/tuning/space.js";
import { renderTuned } from "../../../src/training/tuning/tunedConfig.js";
import { workingFolder } from "../../config/support.js";
import { tuningReport } from "../../report/fixtures.js";
import { draw } from "./draw.js";

const report = tuningReport();
const mark: NonNullable<ResolvedModel["tuned"]> = {
  run_id: report.run_id,
  study: "study.db",
  symbol: report.symbol,
  horizon: report.horizon,
  trials: 4,
  metric: "logloss",
  fingerprint: "f".repeat(64),
  rows: "train and validation",
};

/** What the call would have without tuning, and the text for a winner with these parameters. */
function tuned(id: string, shares: readonly number[], how: { cwd: string; set?: string[]; preset?: string }) {
  const definition = ModelRegistry.getModel(id);
  const { cwd, set = [], preset } = how;
  const training = resolveTrainingConfig({ cwd, set, ...(preset === undefined ? {} : { flags: { preset } }) });
  const before = resolveModelConfig(definition, { training });
  const space = spaceOf(definition, before);
  const settings = { ...before, ...withParams(before, draw(space.dimensions, shares)), tuned: mark };
  return { definition, before, settings, text: renderTuned({ settings, before, space, report, mark }) };
}

/** As `train --config FILE` resolves it. */
function readAgain(cwd: string, id: string, text: string): ResolvedModel {
  writeFileSync(join(cwd, "tuned.yaml"), text);
  const training = resolveTrainingConfig({ cwd, configFile: "tuned.yaml" });
  return resolveModelConfig(ModelRegistry.getModel(id), { training });
}

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 14, maxLength: 14 });
/** Settings beside what is searched. */
const SET: Record<string, string[]> = {
  boosting: ["training.boosting.num_boost_round=77"],
  neural: ["training.neural.max_epochs=9"],
};

describe.each(BUILTIN.map(({ id, family }) => [id, family]))("the tuned file of %s", (id, family) => {
  it.each(["market", "reference"])("gives the winner's settings and the mark, preset %s", (preset) => {
    const cwd = workingFolder();
    fc.assert(
      fc.property(shares, (drawn) => {
        const { settings, text } = tuned(id, drawn, { cwd, preset, set: SET[family] ?? [] });
        const again = readAgain(cwd, id, text);
        const { model_params, training } = settings;
        expect({ model_params: again.model_params, training: again.training }).toEqual({ model_params, training });
        expect([again.preset, again.tuned]).toEqual([preset, mark]);
      }),
      { numRuns: 4 },
    );
  });
});

it("what the person's own file sets comes with it, and the defaults of the package stay out", () => {
  const cwd = workingFolder({ "config/models/lightgbm.yaml": "model_params: {max_bin: 63}\n" });
  const { text } = tuned("lightgbm", [0.3], { cwd, set: ["training.num_boost_round=20"] });
  expect(text).toMatch(/^ {2}max_bin: 63$/m);
  expect(text).toMatch(/^ {2}num_boost_round: 20$/m);
  expect(text).not.toMatch(/feature_fraction_bynode|early_stopping_rounds|class_weight/);
  const again = readAgain(workingFolder(), "lightgbm", text);
  expect(again.model_params.max_bin).toBe(63);
});

it("says in comments where each value comes from, what it replaces and how to use the file", () => {
  const cwd = workingFolder();
  const { text } = tuned("xgboost", [0.5], { cwd });
  expect(text).toMatch(/^# Tuned by Foldwise \S+: xgboost on MES, horizon 20 bars\.$/m);
  expect(text).toMatch(/^# Run 20260101_120000, trial 1 of 4 \(2 complete, 1 pruned\), study xgboost_MES_h20\.db$/m);
  expect(text).toMatch(
    /^# Out-of-fold logloss 1\.031200, defaults 1\.050000 \(log_loss -0\.018800 \[-0\.031000, -0\.006000\]\); purged 3-fold/m,
  );
  expect(text).toMatch(/^# Probability of backtest overfitting 0\.21 \(survivors only\)\.$/m);
  expect(text).toMatch(/^# Use: foldwise train --model xgboost --symbol MES --horizon 20 --config THIS_FILE$/m);
  // Two completed trials say nothing of what the values depend on.
  expect(text).toMatch(/^ {2}max_depth: \d+ # default 4; searched \d+ … \d+$/m);
  expect(text).toMatch(/^# Chosen on rows of train and validation: reports say so.*\ntuned:$/m);
});

it("says that a gain is within noise, and nothing of what is not known", () => {
  const definition = ModelRegistry.getModel("svm");
  const before = resolveModelConfig(definition, { training: resolveTrainingConfig({ cwd: workingFolder() }) });
  const space = spaceOf(definition, before);
  const render = (more: Parameters<typeof tuningReport>[0]): string =>
    renderTuned({ settings: { ...before, tuned: mark }, before, space, report: tuningReport(more), mark });
  expect(render({ gain: { ...report.gain!, shown: false } })).toContain("-0.006000]: within noise)");
  const enough = { complete: 10, pruned: 0, failed: 0, running: 0 };
  const importance = { "model_params.C": 0.75 };
  expect(render({ counts: enough, importance })).toMatch(/^ {2}C: \S+ # default \S+; searched .*; explains 75 %$/m);
  const plain = render({ gain: null, default: null, overfitting: null, importance: {} });
  expect(plain).toContain("# Out-of-fold logloss 1.031200; purged");
  expect(plain).not.toMatch(/overfitting|explains|defaults/);
});
