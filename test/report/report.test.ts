import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Calibrator, classificationMetrics } from "../../src/evaluation/index.js";
import { buildReport, encodeReport, parseReport, reportJsonSchema } from "../../src/report/index.js";
import { reportInput, scored } from "./fixtures.js";

const SCHEMA = new URL("../../docs/schemas/report.schema.json", import.meta.url);

describe("a report", () => {
  const report = buildReport(reportInput());

  it("has the requirements' fields", () => {
    expect(report).toMatchObject({ model_name: "xgboost", symbol: "MES", horizon: 20 });
    expect(report.training_metrics).toEqual({
      train_loss: 1.01,
      val_loss: 1.05,
      train_accuracy: 0.48,
      val_accuracy: 0.44,
      best_epoch: 143,
      total_epochs: 193,
      early_stopped: true,
      training_time: 12.5,
    });
    expect(Object.entries(report.feature_importance)).toEqual([
      ["rsi_14", 0.082],
      ["1h_rsi_14", 0.071],
      ["macd_histogram", 0.065],
    ]);
  });

  it("has exactly the nine test metrics of the design", () => {
    expect(Object.keys(report.test_metrics ?? {})).toEqual([
      "accuracy",
      "precision",
      "recall",
      "f1",
      "log_loss",
      "brier",
      "mcc",
      "ece",
      "confusion_matrix",
    ]);
    const { y, p } = scored(600, 0.6, 3);
    expect(report.test_metrics?.log_loss).toBe(classificationMetrics(y, p).logLoss);
  });

  it("begins with the answer, on the test rows", () => {
    expect(Object.keys(report).slice(1, 4)).toEqual(["head_line", "verdict", "head_part"]);
    expect(report.head_line).toMatch(
      /^Beats the prior\? YES: log-loss better by 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\], effective n = 60$/,
    );
    expect([report.verdict, report.head_part]).toEqual(["YES", "test"]);
  });

  it("shows the prior on the same rows, and the paired difference", () => {
    const { metrics, prior, log_loss_difference, intervals, rows } = report.test!;
    expect(prior.metrics.log_loss).toBeCloseTo(Math.log(3), 9);
    expect(log_loss_difference).toBeCloseTo(metrics.log_loss - prior.metrics.log_loss, 12);
    expect(intervals.log_loss_difference[0]).toBeLessThan(log_loss_difference);
    expect(intervals.log_loss_difference[1]).toBeGreaterThan(log_loss_difference);
    expect(prior.metrics.confusion_matrix.flat().reduce((a, b) => a + b)).toBe(rows);
  });

  it("fits the shipped JSON Schema, also after a round trip through its file", () => {
    const shipped = z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA, "utf8")) as z.core.JSONSchema.JSONSchema);
    expect(shipped.safeParse(JSON.parse(encodeReport(report))).error).toBeUndefined();
    expect(shipped.safeParse({ ...report, surprise: 1 }).success).toBe(false);
    expect(parseReport(encodeReport(report), "r.json")).toEqual(report);
  });

  it("has a shipped JSON Schema that is current (vitest -u writes it)", async () => {
    await expect(`${JSON.stringify(reportJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  });

  it("leaves test figures out with --no-test, and speaks of the calibrate rows instead", () => {
    const input = reportInput({ testOpenings: null });
    const closed = buildReport({
      ...input,
      parts: { ...input.parts, test: { ...input.parts.test, classes: null, scored: null } },
    });
    expect([closed.test_metrics, closed.test, closed.rows.test.classes]).toEqual([null, null, null]);
    expect(closed.head_part).toBe("calibrate");
    expect(closed.head_line).toMatch(/effective n = 30 \(calibrate rows; test not opened\)$/);
  });

  it("holds null for a validation loss that does not exist", () => {
    const { trainingMetrics } = reportInput();
    const metrics = { ...trainingMetrics, valLoss: Number.NaN, valAccuracy: Number.NaN };
    expect(buildReport(reportInput({ trainingMetrics: metrics })).training_metrics).toMatchObject({
      val_loss: null,
      val_accuracy: null,
    });
  });

  it("warns of a best round under ten, an unreliable interval and a class that training lacked", () => {
    const input = reportInput();
    const { warnings } = buildReport({
      ...input,
      trainingMetrics: { ...input.trainingMetrics, bestEpoch: 3, totalEpochs: 53 },
      trainedClasses: [-1, 0],
      parts: { ...input.parts, test: { ...input.parts.test, scored: scored(90, 0.6) } },
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^The best round is 3/),
      expect.stringMatching(/no row of class 1: .* \d+ such rows/),
      expect.stringMatching(/^The intervals rest on 3 blocks/),
    ]);
  });

  it.each([
    [{ kind: "prior", lambda: 0.99, prior: [0.2, 0.5, 0.3] }, "the prior"],
    [{ kind: "temperature", temperature: 100 }, "equal shares"],
  ] as const)("warns where the calibrator left as little of the model as it may: %o", (calibrator, what) => {
    const { y, p } = scored(300, 0.6, 2);
    const calibration = {
      calibrator: { ...calibrator } as Calibrator,
      reason: "",
      scores: [],
      y,
      raw: p,
      crossFitted: Float64Array.from(p),
    };
    const { warnings } = buildReport(reportInput({ calibration }));
    expect(warnings).toEqual([
      `The calibrate rows show no signal: the probabilities are all but ${what}. 1 % of the model is left in them, for the order of its rows.`,
    ]);
  });

  it("gives the same figures for the same seed", () => {
    expect(buildReport(reportInput())).toEqual(report);
  });
});

describe("parseReport", () => {
  it.each([
    ["a cut file", encodeReport(buildReport(reportInput())).slice(0, 500)],
    ["another JSON file", '{"name": "something"}'],
  ])("refuses %s", (_name, content) => {
    expect(() => parseReport(content, "r.json")).toThrow(
      expect.objectContaining({ code: "data.bad_report", remedy: expect.any(String) }),
    );
  });
});
