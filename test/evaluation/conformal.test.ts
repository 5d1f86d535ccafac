import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { coverageOf, modelRows } from "../../bench/lib/modelRows.js";
import {
  CONFORMAL_KINDS,
  type ConformalKind,
  crossFittedSets,
  fitConformal,
  predictionSets,
} from "../../src/evaluation/index.js";

interface GoldenSplit {
  y: number[];
  p: number[][];
  level: number;
  kind: ConformalKind;
  thresholds: [number | null, number | null, number | null];
  new: number[][];
  sets: number[][];
}

const golden = JSON.parse(readFileSync(new URL("../fixtures/conformal/golden.json", import.meta.url), "utf8")) as {
  split: GoldenSplit[];
};

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
const ROWS = 10_000;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("split-conformal sets", () => {
  it.each(golden.split.map((each) => [`${each.kind} at ${each.level} of ${each.y.length} rows`, each] as const))(
    "are those of an independent calculation: %s",
    (_, { y, p, level, kind, thresholds, new: rows, sets }) => {
      const conformal = fitConformal(Int8Array.from(y), Float64Array.from(p.flat()), { level, kind });
      expect(conformal.thresholds).toEqual(thresholds);
      expect([...predictionSets(conformal, Float64Array.from(rows.flat()))]).toEqual(sets.flat());
    },
  );

  describe.each([
    ["a weak model", 0.6, 1],
    ["an over-confident model", 2, 0.5],
    ["a model that is right more often than 90 %, some of whose sets are empty", 14, 1],
  ])("of %s", (_, spread, truth) => {
    const rows = SEEDS.map((seed) => modelRows(2 * ROWS, { seed, spread, truth }));
    it.each(CONFORMAL_KINDS)("%s sets cover 0.895 to 0.905 of exchangeable rows where 0.9 is promised", (kind) => {
      const reports = rows.map(({ y, p }) => {
        const conformal = fitConformal(y.slice(0, ROWS), p.slice(0, 3 * ROWS), { level: 0.9, kind });
        const sets = predictionSets(conformal, p.slice(3 * ROWS));
        const own = y.slice(ROWS);
        const byClass = [-1, 0, 1].map((label) => {
          const held = own.filter((y, i) => y === label && sets[3 * i + label + 1] === 1).length;
          return held / own.filter((y) => y === label).length;
        });
        return { coverage: coverageOf(own, sets), byClass };
      });
      const coverage = mean(reports.map((report) => report.coverage));
      expect(coverage, `mean coverage ${coverage}`).toBeGreaterThan(0.895);
      expect(coverage, `mean coverage ${coverage}`).toBeLessThan(0.905);
      if (kind === "plain") return;
      for (const k of [0, 1, 2]) {
        const own = mean(reports.map(({ byClass }) => byClass[k]!));
        expect(Math.abs(own - 0.9), `mean coverage of class ${k - 1}: ${own}`).toBeLessThan(0.005);
      }
    });
  });

  it("are the same from a stored conformal and for float32 rows", () => {
    const { y, p } = modelRows(500, { seed: 4, spread: 1, truth: 1 });
    const p32 = Float32Array.from(p);
    const conformal = fitConformal(y, p32, { level: 0.8, kind: "class_conditional" });
    const stored = JSON.parse(JSON.stringify(conformal)) as typeof conformal;
    expect(stored).toEqual(conformal);
    expect(predictionSets(stored, p32)).toEqual(predictionSets(conformal, p32));
    // The row that is the threshold is covered.
    expect(coverageOf(y, predictionSets(conformal, p32))).toBeGreaterThanOrEqual(0.8);
  });
});

describe("a class without enough calibration rows", () => {
  const { y, p } = modelRows(300, { seed: 5, spread: 1, truth: 1 });
  const lacking = y.map((label) => (label === 1 ? 0 : label));

  it("is in every class-conditional set, and that is said", () => {
    const conformal = fitConformal(lacking, p, { level: 0.9, kind: "class_conditional" });
    expect(conformal.classRows[2]).toBe(0);
    expect(conformal.thresholds[2]).toBeNull();
    expect(conformal.notices).toEqual([
      "Class 1 has 0 of the 9 calibration rows that a level of 0.9 needs: it is in every set.",
    ]);
    const sets = predictionSets(conformal, p);
    expect(y.every((_, i) => sets[3 * i + 2] === 1)).toBe(true);
  });

  it("is treated as the others are by plain sets", () => {
    const conformal = fitConformal(lacking, p, { level: 0.9, kind: "plain" });
    expect(conformal.thresholds[2]).toBe(conformal.thresholds[0]);
    expect(conformal.notices).toEqual([]);
  });

  it("eight rows promise 90 % only by full sets, nine do not", () => {
    const of = (n: number) => fitConformal(y.slice(0, n), p.slice(0, 3 * n), { level: 0.9, kind: "plain" });
    expect(of(8).thresholds).toEqual([null, null, null]);
    expect(of(8).notices).toEqual([
      "There are 8 of the 9 calibration rows that a level of 0.9 needs: all classes are in every set.",
    ]);
    expect(of(9).notices).toEqual([]);
    expect(of(9).thresholds[0]).toBeLessThan(1);
  });
});

describe("sets of the calibration rows themselves", () => {
  const { y, p } = modelRows(60, { seed: 6, spread: 1, truth: 1 });
  const rows = Array.from({ length: 60 }, (_, i) => i);
  const options = { level: 0.8, kind: "plain" } as const;
  const folds = [0, 1, 2].map((fold) => ({
    train: Int32Array.from(rows.filter((i) => Math.floor(i / 20) !== fold)),
    test: Int32Array.from(rows.filter((i) => Math.floor(i / 20) === fold)),
  }));

  it("do not depend on the labels of their own fold", () => {
    const changed = y.map((label, i) => (i < 20 ? ((label + 2) % 3) - 1 : label));
    const [sets, after] = [y, changed].map((labels) => crossFittedSets(labels, p, options, folds));
    expect(after!.slice(0, 60)).toEqual(sets!.slice(0, 60));
    expect(after).not.toEqual(sets);
  });

  it("are those of the other folds' thresholds", () => {
    const conformal = fitConformal(y.slice(0, 40), p.slice(0, 120), options);
    expect(crossFittedSets(y, p, options, folds).slice(120)).toEqual(predictionSets(conformal, p.slice(120)));
  });

  it("have thresholds by other answers than those that they are made of, where a chain asks for them", () => {
    const others = modelRows(60, { seed: 7, spread: 2, truth: 1 }).p;
    const within = ({ test }: { test: Int8Array | Int32Array }) => (test[0] === 40 ? others : p);
    const sets = crossFittedSets(y, p, options, folds, within);
    const conformal = fitConformal(y.slice(0, 40), others.slice(0, 120), options);
    expect(sets.slice(120)).toEqual(predictionSets(conformal, p.slice(120)));
    expect(sets.slice(0, 120)).toEqual(crossFittedSets(y, p, options, folds).slice(0, 120));
  });

  it("are refused where a row is tested by no fold or by two", () => {
    for (const some of [folds.slice(1), [...folds, folds[0]!]]) {
      expect(() => crossFittedSets(y, p, options, some)).toThrow(
        expect.objectContaining({ code: "data.bad_folds", remedy: expect.stringContaining("k-fold") }),
      );
    }
  });
});

describe("refused, with a remedy", () => {
  const { y, p } = modelRows(30, { seed: 7, spread: 1, truth: 1 });
  const refusal = (code: string) => expect.objectContaining({ code, remedy: expect.stringMatching(/.{20}/) });

  it.each([0, 1, -0.1, 1.5, 90, Number.NaN])("the level %d", (level) => {
    expect(() => fitConformal(y, p, { level, kind: "plain" })).toThrow(refusal("usage.conformal_level"));
  });

  it("an unknown kind, no rows, other rows, labels and answers that are none", () => {
    const plain = { level: 0.9, kind: "plain" } as const;
    const bad = p.slice();
    bad[4] = Number.NaN;
    for (const [code, call] of [
      ["usage.conformal_kind", () => fitConformal(y, p, { level: 0.9, kind: "mondrian" as ConformalKind })],
      ["data.no_rows", () => fitConformal(new Int8Array(), new Float64Array(), plain)],
      ["data.shape_mismatch", () => fitConformal(y, p.slice(3), plain)],
      [
        "data.bad_label",
        () =>
          fitConformal(
            y.map(() => -128),
            p,
            plain,
          ),
      ],
      ["data.bad_probabilities", () => fitConformal(y, bad, plain)],
      ["data.bad_probabilities", () => predictionSets(fitConformal(y, p, plain), bad)],
      ["data.shape_mismatch", () => predictionSets(fitConformal(y, p, plain), p.slice(1))],
    ] as const) {
      expect(call, code).toThrow(refusal(code));
    }
  });
});
