import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { buildComparison, formatSelection, parseSelection, selectionJsonSchema } from "../../src/report/index.js";
import { seededRandom } from "../../src/types/index.js";

const SCHEMA = new URL("../../docs/schemas/selection.schema.json", import.meta.url);

it("the shipped schema of a selection is the one it is written by", async () => {
  await expect(`${JSON.stringify(selectionJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  expect(() =>
    z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA, "utf8")) as z.core.JSONSchema.JSONSchema),
  ).not.toThrow();
});

it("what is no such report is refused by name", () => {
  for (const text of ["{", "{}", '{"format":1}']) {
    expect(() => parseSelection(text, "reports/MES_h20_selection.json")).toThrow(
      /reports\/MES_h20_selection\.json is no report of a selection/,
    );
  }
});

const random = seededRandom(3);
const common = (shifts: number[]) => {
  const times = Float64Array.from({ length: 400 }, (_, i) => Date.UTC(2024, 0, 1) * 1000 + i * 300e6);
  const shared = times.map(() => 1 + 0.2 * random.normal());
  return {
    timestamps: times,
    labelEnds: times.map((time) => time + 600e6),
    labels: new Int8Array(400),
    losses: shifts.map((shift) => shared.map((value) => value + shift + 0.05 * random.normal())),
  };
};
const durations = new Int32Array(400).fill(2);

it("models stand in the order of their losses, each beside the first", () => {
  const names = ["tcn", "lightgbm", "svm"];
  const comparison = buildComparison({ part: "oof", names, common: common([0.05, 0, 0.005]), durations, seed: 7 })!;
  expect(comparison).toMatchObject({ best: "lightgbm", rows: 400, bootstrap: { block: 8, blocks: 50 } });
  expect(comparison.models.map(({ model_name, behind_best }) => [model_name, behind_best?.worse])).toEqual([
    ["lightgbm", undefined],
    ["svm", "NOT SHOWN"],
    ["tcn", "YES"],
  ]);
  const text = formatSelection({
    format: 1,
    symbol: "MES",
    horizon: 20,
    synthetic: false,
    run_id: "r",
    created: "2026-01-01T00:00:00.000Z",
    comparison,
    choice: null,
  });
  expect(text).toMatch(
    /^MES, horizon 20 bars\nEach model beside lightgbm, the best-placed, on 400 out-of-fold rows:\n/,
  );
  expect(text).toMatch(/^tcn +1\.\d{4} +0\.0[45]\d\d \[0\.0[34]\d\d, 0\.0[56]\d\d\] +yes$/m);
  expect(text).not.toMatch(/unreliable/);
});

it("one model, and models without a common row, are beside nothing", () => {
  expect(buildComparison({ part: "oof", names: ["svm"], common: common([0]), durations, seed: 7 })).toBeNull();
  const nothing = { ...common([0, 0]), timestamps: new Float64Array(0) };
  expect(buildComparison({ part: "oof", names: ["svm", "tcn"], common: nothing, durations, seed: 7 })).toBeNull();
});
