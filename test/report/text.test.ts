import { describe, expect, it } from "vitest";
import { buildReport, formatLeaderboard, formatReport } from "../../src/report/index.js";
import { reportInput, scored } from "./fixtures.js";

describe("formatReport", () => {
  it("reads as a person wants it, the answer first", () => {
    expect(formatReport(buildReport(reportInput()))).toMatchSnapshot();
  });

  it("says that data are synthetic, and that test was not opened", () => {
    const input = reportInput({ synthetic: true, testOpenings: null });
    const text = formatReport(
      buildReport({ ...input, parts: { ...input.parts, test: { ...input.parts.test, classes: null, scored: null } } }),
    );
    expect(text).toContain("SYNTHETIC data");
    expect(text).toContain("The test part was not opened.");
    expect(text).not.toContain("test  prior");
  });

  it("keeps every line within 120 columns", () => {
    for (const line of formatReport(buildReport(reportInput())).split("\n"))
      expect(line.length).toBeLessThanOrEqual(120);
  });
});

describe("formatLeaderboard", () => {
  const named = (model: string, calibrateSkill: number, testSkill: number) => {
    const { parts } = reportInput();
    return buildReport(
      reportInput({
        model,
        parts: {
          ...parts,
          calibrate: { ...parts.calibrate, scored: scored(300, calibrateSkill, 2) },
          test: { ...parts.test, scored: scored(600, testSkill, 3) },
        },
      }),
    );
  };
  const order = (text: string): string[] =>
    text
      .split("\n")
      .map((line) => /^(xgboost|logistic|\(prior only\))/.exec(line)?.[1])
      .filter((name) => name !== undefined);

  it("orders by calibrate log-loss and never by test, with the prior in its place", () => {
    expect(order(formatLeaderboard([named("logistic", 0.1, 0.6), named("xgboost", 0.6, 0)]))).toEqual([
      "xgboost",
      "logistic",
      "(prior only)",
    ]);
  });

  it("shows one table", () => {
    expect(formatLeaderboard([named("logistic", 0.1, 0.6), named("xgboost", 0.6, 0)])).toMatchSnapshot();
  });

  it("says which verdicts are of the calibrate rows, because the test rows were not opened", () => {
    const cells = (name: string, text: string) => text.split("\n").find((line) => line.startsWith(name)) ?? "";
    const closed = { ...named("logistic", 0.6, 0), test: null, verdict: "YES" as const };
    const text = formatLeaderboard([closed, { ...named("xgboost", 0.1, 0.6), verdict: "YES" as const }]);
    expect(cells("logistic", text)).toMatch(/ yes \(cal\.\)/);
    expect(cells("xgboost", text)).toMatch(/ yes\s*$/);
  });

  it("tells the same model of two runs apart", () => {
    const other = named("xgboost", 0.5, 0.1);
    other.run_id = "second";
    const text = formatLeaderboard([{ ...named("xgboost", 0.6, 0), run_id: "first" }, other]);
    expect(text).toContain("xgboost (first)");
    expect(text).toContain("xgboost (second)");
  });

  it("names the run in every table when several runs are compared", () => {
    const other = { ...named("logistic", 0.3, 0.3), run_id: "second", horizon: 5 };
    const text = formatLeaderboard([{ ...named("xgboost", 0.6, 0), run_id: "first" }, other]);
    expect(text).toContain("xgboost (first)");
    expect(text).toContain("logistic (second)");
  });

  it("does not put models side by side that were scored on other rows", () => {
    const other = named("logistic", 0.3, 0.3);
    other.rows.calibrate.from = "2019-01-01T00:00:00.000Z";
    const text = formatLeaderboard([named("xgboost", 0.6, 0), other]);
    expect(text.match(/MES, horizon 20 bars/g)).toHaveLength(2);
    expect(text).not.toContain("(20260101_120000)");
    expect(order(text).filter((name) => name === "(prior only)")).toHaveLength(2);
  });
});

describe("a model whose settings were tuned over validation rows", () => {
  const tuned = { run_id: "20260101_110000", study: "xgboost_MES_h20.db", trials: 40, metric: "logloss" };
  const reports = ["xgboost", "logistic"].map((model) => buildReport(reportInput({ model })));
  const marked = { ...reports[0]!, tuned };

  it("stands below all others on the leaderboard, the prior included, marked, and it is said why", () => {
    const best = { ...marked.validation.calibrate, metrics: { ...marked.validation.calibrate.metrics, log_loss: 0.1 } };
    const text = formatLeaderboard([{ ...marked, validation: { ...marked.validation, calibrate: best } }, reports[1]!]);
    const names = [...text.matchAll(/^(xgboost|logistic|\(prior only\))( \*)?/gm)].map(([whole]) => whole);
    expect(names.at(-1)).toBe("xgboost *");
    expect(names.slice(0, -1).sort()).toEqual(["(prior only)", "logistic"]);
    expect(text).toMatch(/^\* settings tuned over validation rows: .*not placed by it/m);
    expect(formatLeaderboard(reports)).not.toMatch(/\*/);
  });

  it("has a report that says so", () => {
    expect(formatReport(marked)).toContain(
      "Settings tuned for logloss over rows of train and validation (40 trials, run 20260101_110000)",
    );
    expect(formatReport(reports[0]!)).not.toContain("Settings tuned");
  });
});
