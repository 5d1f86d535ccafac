import { describe, expect, it } from "vitest";
import { resolveTrainingConfig, timeoutMs } from "../../src/config/index.js";
import { thrown, workingFolder } from "./support.js";

const tuning = (text: string, set: string[] = []) =>
  resolveTrainingConfig({ cwd: workingFolder({ "config/training.yaml": text }), set }).config.tuning;

describe("the section tuning of training.yaml", () => {
  it("has defaults, and takes what files and --set say", () => {
    expect(tuning("")).toEqual({
      trials: 50,
      timeout: null,
      sampler: "tpe",
      pruner: "auto",
      metric: "logloss",
      refit: "train",
      nested: false,
      pbo: false,
    });
    expect(tuning("tuning: {trials: 20, timeout: 30m}\n", ["tuning.trials=30", "tuning.sampler=qmc"])).toMatchObject({
      trials: 30,
      timeout: "30m",
      sampler: "qmc",
    });
  });

  it.each([
    [
      "tuning: {trials: 0}",
      "config/training.yaml:1:18: tuning.trials must be a whole number from 1 to 1000000; got 0.",
    ],
    [
      "tuning: {timeout: 90}",
      "config/training.yaml:1:19: tuning.timeout must be text such as 90s, 30m, 2h, or null; got 90.",
    ],
    [
      "tuning: {timeout: 0m}",
      'config/training.yaml:1:19: tuning.timeout must be text such as 90s, 30m, 2h, or null; got the text "0m".',
    ],
    [
      "tuning: {metric: auc}",
      'config/training.yaml:1:18: tuning.metric must be one of: logloss, brier, accuracy, f1_macro, mcc, sharpe; got the text "auc".',
    ],
    ["tuning: {prunner: none}", 'config/training.yaml:1:10: unknown key "prunner" in tuning; did you mean "pruner"?'],
  ])("refuses %s", (text, message) => {
    expect(thrown(() => tuning(`${text}\n`)).message).toBe(message);
  });

  it("gives its timeout in milliseconds", () => {
    expect([null, "90s", "30m", "2h"].map(timeoutMs)).toEqual([null, 90_000, 1_800_000, 7_200_000]);
  });
});
