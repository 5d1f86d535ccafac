import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  encodeTuningReport,
  formatTuningBoard,
  formatTuningReport,
  parseTuningReport,
  type TuningReport,
  tuningReportJsonSchema,
} from "../../src/report/index.js";
import { nestedResult, tuningReport, tuningTrial } from "./fixtures.js";

const SCHEMA = new URL("../../docs/schemas/tune.schema.json", import.meta.url);

it("the shipped schema of a tuning report is the one it is written by", async () => {
  await expect(`${JSON.stringify(tuningReportJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA, "utf8")) as z.core.JSONSchema.JSONSchema);
  expect(schema.safeParse(tuningReport()).success).toBe(true);
});

it("a report is read as it was written, and what is none is refused by name", () => {
  const report = tuningReport({ nested: nestedResult });
  expect(parseTuningReport(encodeTuningReport(report), "x_tune.json")).toEqual(report);
  for (const text of ["{", "{}", '{"format":1}']) {
    expect(() => parseTuningReport(text, "reports/x_tune.json")).toThrow(
      /reports\/x_tune\.json is no report of tuning/,
    );
  }
});

describe("a study for the terminal", () => {
  const shown = (more: Partial<TuningReport>): string => formatTuningReport(tuningReport(more));

  it("reads as a person wants it, the answer first", () => {
    expect(formatTuningReport(tuningReport())).toMatchSnapshot();
  });

  it("tells of the unbiased estimate, of a fit on all rows, and of what is to be warned of", () => {
    expect(
      shown({
        nested: nestedResult,
        synthetic: true,
        refit: { ...tuningReport().refit, rows: "train_val", epochs: 90, test: null },
        warnings: ["The gain is within noise."],
        notices: ["A default lies outside."],
      }),
    ).toMatchSnapshot();
  });

  it("says whether trials are missing, and why", () => {
    expect(shown({ target: 9, out_of_time: true })).toContain(
      "Trials: 4 of 9: time was up (2 complete, 1 pruned, 1 failed)",
    );
    expect(shown({ target: 9 })).toContain("Trials: 4 of 9 (2 complete");
    const others = { complete: 2, pruned: 0, failed: 0, running: 2 };
    expect(shown({ counts: others })).toContain("Trials: 4 (2 complete, 2 at work in another process)");
  });

  it("says of a best trial what it gains, whether that is noise, and what it rests on", () => {
    const gain = tuningReport().gain!;
    expect(shown({})).toContain("The best was chosen on these rows, so its lead over the defaults is too large.");
    expect(shown({})).not.toContain("unreliable");
    const few = { ...gain.bootstrap, blocks: 9, unreliable: true };
    expect(shown({ gain: { ...gain, bootstrap: few } })).toContain("9 blocks: unreliable");
    const best = { ...tuningReport().best, slot: 0, is_default: true };
    expect(shown({ best, gain: null })).not.toContain("lead over");
  });

  it("shows what the defaults were fitted with, and importances only of enough trials", () => {
    // The space does not hold the default 4; the trial is recorded as its nearest point.
    expect(shown({})).toMatch(/^model_params\.max_depth +4 +6$/m);
    expect(shown({})).toContain("too few completed trials (2) to tell");
    const enough = { complete: 10, pruned: 0, failed: 0, running: 0 };
    expect(shown({ counts: enough })).toMatch(/^model_params\.eta .* 75\.0 %$/m);
  });

  it("says how many trials are new where a study goes on", () => {
    expect(shown({})).toContain("(2 complete, 1 pruned, 1 failed) in 12.3 s.");
    expect(shown({ new_trials: 1 })).toContain("(2 complete, 1 pruned, 1 failed); 1 new in 12.3 s.");
  });

  it("marks survivors, says how many pruned trials were finished, and why a figure is missing", () => {
    const overfitting = tuningReport().overfitting!;
    expect(shown({})).toMatch(/survivors only: pruned trials are missing/);
    const finished = shown({ overfitting: { ...overfitting, compared: 3, pruned_finished: 1, survivors_only: false } });
    expect(finished).toContain("3 trials, 1 of them pruned ones finished for it, 12 870 splits.");
    expect(finished).not.toContain("survivors");
    const counts = { complete: 4, pruned: 0, failed: 0, running: 0 };
    const lost = shown({ counts, overfitting: { ...overfitting, compared: 3, survivors_only: false } });
    expect(lost).toContain("splits; 1 completed trial is missing, whose answers are not kept (other versions, ");
    expect(lost).not.toContain("survivors");
    const without = shown({
      overfitting: null,
      no_overfitting_because: "one completed trial",
      deflated_sharpe: null,
      no_deflated_sharpe_because: "The dataset has no return_h20",
    });
    expect(without).toContain("Probability of backtest overfitting: not computed, one completed trial.");
    expect(without).toContain("Deflated Sharpe ratio: not computed, The dataset has no return_h20.");
  });

  it("shows the five best trials and the defaults, the best first, whichever way is better", () => {
    const trials = Array.from({ length: 8 }, (_, slot) => tuningTrial(slot, { value: slot === 0 ? 5 : slot }));
    const slots = (more: Partial<TuningReport>): string[] =>
      [...shown({ trials, ...more }).matchAll(/^(\d)( default)?( best)? +\d\.\d{4} /gm)].map(([, slot]) => slot!);
    expect(slots({})).toEqual(["1", "2", "3", "4", "0"]);
    expect(slots({ direction: "maximize" })).toEqual(["7", "6", "0", "5", "4"]);
    const worse = trials.map((trial) => (trial.slot === 0 ? { ...trial, value: 50 } : trial));
    expect(slots({ trials: worse })).toEqual(["1", "2", "3", "4", "5"]);
    expect(shown({ trials: worse })).toMatch(/^0 default +50\.0000 /m);
  });
});

describe("several studies side by side", () => {
  const of = (model_name: string, value: number, more: Partial<TuningReport> = {}): TuningReport =>
    tuningReport({ model_name, best: { ...tuningReport().best, value }, ...more });

  it("stand in the order of their best values, with gain and unbiased estimate", () => {
    const gain = { ...tuningReport().gain!, shown: false };
    const reports = [of("svm", 1.04), of("xgboost", 1.02, { nested: nestedResult }), of("tcn", 1.06, { gain })];
    expect(formatTuningBoard([reports[2]!, reports[0]!, reports[1]!])).toMatchSnapshot();
    const greater = reports.map((report) => ({ ...report, direction: "maximize" as const, metric: "mcc" }));
    const names = [...formatTuningBoard(greater).matchAll(/^(svm|xgboost|tcn)/gm)].map(([name]) => name);
    expect(names).toEqual(["tcn", "svm", "xgboost"]);
  });

  it("are not compared across symbols, horizons, metrics or data", () => {
    const one = of("svm", 1.04);
    const others: Partial<TuningReport>[] = [
      { symbol: "MGC" },
      { horizon: 5 },
      { metric: "brier" },
      { data: { ...one.data, fingerprint: "e".repeat(64) } },
    ];
    for (const other of others)
      expect(formatTuningBoard([one, of("tcn", 1, other)]).match(/^model /gm)).toHaveLength(2);
    expect(formatTuningBoard([one, of("tcn", 1)]).match(/^model /gm)).toHaveLength(1);
  });
});
