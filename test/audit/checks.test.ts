import { describe, expect, it } from "vitest";
import { auditRows } from "../../src/audit/audit.js";
import { wordSplits } from "../../src/audit/splits.js";
import type { AuditRows, AuditSplit, CheckName, Finding } from "../../src/audit/subject.js";
import { FoldwiseError, NO_LABEL, seededRandom } from "../../src/types/index.js";
import { overlaps } from "../../src/validation/index.js";
import { market, movedUp, noise, range, rowsOf } from "./rows.js";

const split = (fit: Int32Array, test: Int32Array): AuditSplit[] => [
  { name: "train", fit, held: [{ name: "test", rows: test }] },
];
const found = async (rows: AuditRows, splits: AuditSplit[], check: CheckName): Promise<Finding[]> =>
  (await auditRows(rows, splits)).find((result) => result.check === check)!.findings;

describe("label overlap", () => {
  const features = { f: noise(400, seededRandom(1)) };

  it("counts just the pairs that a look at all of them finds, whatever the labels' lengths", async () => {
    const random = seededRandom(3);
    for (let round = 0; round < 20; round++) {
      const rows = rowsOf({ n: 400, features, durations: Array.from({ length: 400 }, () => 1 + random.int(30)) });
      const use = Array.from({ length: 395 }, () => random.int(12));
      const fit = range(0, 395).filter((row) => use[row] === 0);
      const test = range(0, 395).filter((row) => use[row] === 1);
      const [times, ends] = [rows.timestamps, rows.labelEnds(5)];
      const meets = fit.filter((a) => test.some((b) => overlaps(times[a]!, ends[a]!, times[b]!, ends[b]!)));
      const [finding] = await found(rows, split(fit, test), "overlap");
      expect(finding?.evidence.rows ?? 0).toBe(meets.length);
      expect(finding?.verdict ?? "certain").toBe("certain");
    }
  });

  it("is silent where training rows are purged on both sides of the tested ones", async () => {
    const rows = rowsOf({ n: 400, features });
    const fit = Int32Array.from([...range(0, 195), ...range(306, 395)]);
    expect(await found(rows, split(fit, range(200, 300)), "overlap")).toEqual([]);
    // One row nearer on either side is one row too near.
    for (const row of [195, 304]) {
      const [finding] = await found(rows, split(Int32Array.from([...fit, row]).sort(), range(200, 300)), "overlap");
      expect(finding).toMatchObject({ verdict: "certain", rows: [row], evidence: { rows: 1 } });
    }
  });

  it("of ends that are only assumed is certain where a label of one bar overlaps already", async () => {
    const rows = rowsOf({ n: 400, features, ends: "derived" });
    const touching = await found(rows, split(range(0, 200), range(200, 300)), "overlap");
    expect(touching).toMatchObject([{ verdict: "certain", evidence: { rows: 5, rows_within_one_bar: 1 } }]);
    const apart = await found(rows, split(range(0, 198), range(200, 300)), "overlap");
    expect(apart).toMatchObject([{ verdict: "suspect", evidence: { rows: 3, rows_within_one_bar: 0 } }]);
  });

  it("says that rows have two uses", async () => {
    const findings = await found(rowsOf({ n: 400, features }), split(range(0, 210), range(200, 300)), "overlap");
    expect(findings[0]).toMatchObject({ verdict: "certain", evidence: { rows: 10 }, rows: [200, 201, 202, 203, 204] });
  });
});

describe("label ends", () => {
  const features = { f: noise(400, seededRandom(1)) };

  it("before their row are certain, at their row suspect", async () => {
    const durations = (length: number) => Array.from({ length: 400 }, (_, row) => (row % 50 === 7 ? length : 3));
    expect(await found(rowsOf({ n: 400, features, durations: durations(-2) }), [], "ends")).toMatchObject([
      { verdict: "certain", evidence: { rows: 8, first_row: 7 } },
    ]);
    expect(await found(rowsOf({ n: 400, features, durations: durations(0) }), [], "ends")).toMatchObject([
      { verdict: "suspect", evidence: { rows: 8 } },
    ]);
  });

  it("are clipped where a heap of them ends with a part's last bar and none after it", async () => {
    const random = seededRandom(5);
    const free = Array.from({ length: 400 }, () => 1 + random.int(20));
    const cut = free.map((length, row) => (row < 280 ? Math.max(1, Math.min(length, 279 - row)) : length));
    const parts = { train: { start: 0, end: 280 }, val: { start: 280, end: 340 }, test: { start: 340, end: 400 } };
    const of = async (durations: number[]) =>
      found({ ...rowsOf({ n: 400, horizon: 20, features, durations }), parts }, [], "ends");
    expect(await of(free)).toEqual([]);
    const findings = await of(cut.map((length, row) => (row === 279 ? 0 : length)));
    expect(findings.filter(({ evidence }) => evidence.part === "train")).toMatchObject([
      { verdict: "suspect", evidence: { rows: 8, elsewhere: 4 } },
    ]);
  });

  it("go with returns of the label's sign", async () => {
    const random = seededRandom(2);
    const y = Int8Array.from({ length: 400 }, () => random.int(3) - 1);
    const returns = Float32Array.from(y, (label) => label * 0.01);
    expect(await found(rowsOf({ n: 400, features, y, returns }), [], "ends")).toEqual([]);
    const shifted = Float32Array.from(y, (_, row) => (y[row + 1] ?? 0) * 0.01);
    expect(await found(rowsOf({ n: 400, features, y, returns: shifted }), [], "ends")).toMatchObject([
      { verdict: "suspect" },
    ]);
  });
});

describe("duplicates", () => {
  const n = 600;
  const columns = (count: number): Record<string, Float64Array> => {
    const random = seededRandom(4);
    return Object.fromEntries(Array.from({ length: count }, (_, j) => [`f${j}`, noise(n, random)]));
  };
  const splits = split(range(0, 400), range(420, 590));

  it("across the split are certain where nothing else has their values", async () => {
    const features = columns(4);
    for (const values of Object.values(features)) values.copyWithin(500, 10, 30);
    const findings = await found(rowsOf({ n, features }), splits, "duplicates");
    expect(findings).toMatchObject([{ verdict: "certain", evidence: { rows: 20, groups: 20 }, rows: [10, 500] }]);
  });

  it("within training are nobody's business, and of a market that stood still only suspect", async () => {
    const within = columns(4);
    for (const values of Object.values(within)) values.copyWithin(300, 10, 30);
    expect(await found(rowsOf({ n, features: within }), splits, "duplicates")).toEqual([]);
    const still = columns(4);
    for (const values of Object.values(still)) {
      for (const from of [100, 450]) values.fill(0, from, from + 20);
      values.fill(0, 595);
    }
    still.f0![595] = 1;
    expect(await found(rowsOf({ n, features: still }), splits, "duplicates")).toMatchObject([
      { verdict: "suspect", evidence: { rows: 20 } },
    ]);
  });
});

describe("scaling", () => {
  const n = 900;
  const [fit, test] = [range(0, 600), range(620, 890)];
  const scaledOver = (rows: Int32Array): Record<string, Float64Array> => {
    const random = seededRandom(6);
    return Object.fromEntries(
      ["a", "b", "c"].map((name) => {
        const values = noise(n, random).map((value, row) => 3 * value + row / 300);
        const mean = rows.reduce((sum, row) => sum + values[row]!, 0) / rows.length;
        const deviation = Math.sqrt(rows.reduce((sum, row) => sum + (values[row]! - mean) ** 2, 0) / rows.length);
        return [name, values.map((value) => (value - mean) / deviation)];
      }),
    );
  };

  it("over rows that judge is certain, and which rows is said", async () => {
    for (const [rows, name] of [
      [range(0, n), "all rows"],
      [Int32Array.from([...fit, ...test]), "train and test"],
    ] as const) {
      const findings = await found(rowsOf({ n, features: scaledOver(rows) }), split(fit, test), "scaling");
      expect(findings).toMatchObject([{ verdict: "certain", evidence: { features: 3, standardised_over: name } }]);
    }
  });

  it("over the training rows is as it should be, and raw features are nobody's scaler", async () => {
    expect(await found(rowsOf({ n, features: scaledOver(fit) }), split(fit, test), "scaling")).toEqual([]);
    expect(await found(rowsOf({ n, features: { a: noise(n, seededRandom(9)) } }), split(fit, test), "scaling")).toEqual(
      [],
    );
  });

  it("from 0 to 1 over all rows is certain where the extremes lie behind training", async () => {
    const random = seededRandom(8);
    const features = Object.fromEntries(
      ["a", "b", "c"].map((name) => {
        const values = noise(n, random).map((value, row) => value + (row > 610 ? (row % 2 === 0 ? 4 : -4) : 0));
        const [low, high] = [Math.min(...values), Math.max(...values)];
        return [name, values.map((value) => (value - low) / (high - low))];
      }),
    );
    expect(await found(rowsOf({ n, features }), split(fit, test), "scaling")).toMatchObject([
      { verdict: "certain", evidence: { features: 3 } },
    ]);
  });
});

describe("missing values", () => {
  const n = 900;
  const [fit, test] = [range(0, 600), range(620, 890)];
  const filledBy = (rows: Int32Array, statistic: (sorted: Float64Array) => number): Record<string, Float64Array> => {
    const random = seededRandom(6);
    const known = Float32Array.from({ length: n }, (_, row) => random.normal() + row / 300);
    const missing = (row: number): boolean => row % 37 === 5;
    const sorted = Float64Array.from(
      rows.filter((row) => !missing(row)),
      (row) => known[row]!,
    ).sort();
    const value = statistic(sorted);
    const a = Float64Array.from(known, (each, row) => (missing(row) ? value : each));
    return { a, b: a.map((each) => -2 * each) };
  };
  const mean = (sorted: Float64Array): number => sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const median = (sorted: Float64Array): number =>
    (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;

  it.each([
    ["mean", mean, 25],
    // Of 875 known values one is the median itself.
    ["median", median, 26],
  ] as const)(
    "filled with the %s of all rows are certain, with that of training rows as they should be",
    async (what, of, count) => {
      expect(
        await found(rowsOf({ n, features: filledBy(range(0, n), of) }), split(fit, test), "scaling"),
      ).toMatchObject([
        { verdict: "certain", evidence: { features: 2, values: 2 * count, statistic: what, statistic_of: "all rows" } },
      ]);
      expect(await found(rowsOf({ n, features: filledBy(fit, of) }), split(fit, test), "scaling")).toEqual([]);
    },
  );
});

describe("look-ahead", () => {
  const n = 3000;

  it("of features that were moved up by a row is suspect, of the same features as they are nothing", async () => {
    const { price, last, slow } = market(n);
    expect(await found(rowsOf({ n, features: { last, slow }, price }), [], "look_ahead")).toEqual([]);
    const features = { last, moved_last: movedUp(last), moved_slow: movedUp(slow) };
    const findings = await found(rowsOf({ n, features, price }), [], "look_ahead");
    expect(findings.map(({ feature, verdict, evidence }) => [feature, verdict, evidence.bars_ahead])).toEqual([
      ["moved_last", "suspect", 1],
      ["moved_slow", "suspect", 1],
    ]);
  });

  it("of the next bar's return itself is certain", async () => {
    const { price, returns } = market(n);
    const findings = await found(rowsOf({ n, features: { next: movedUp(returns) }, price }), [], "look_ahead");
    expect(findings).toMatchObject([{ verdict: "certain", feature: "next" }]);
  });

  it("is not seen in a market that swings back, or that falls make wild", async () => {
    const random = seededRandom(12);
    const returns = noise(n, random);
    let spread = 1;
    for (let row = 1; row < n; row++) {
      spread = 0.2 + 0.85 * spread + (returns[row - 1]! < 0 ? 0.25 : 0) * Math.min(3, Math.abs(returns[row - 1]!));
      returns[row] = spread * random.normal() - 0.4 * returns[row - 1]!;
    }
    let level = 1000;
    const price = returns.map((value) => {
      level *= Math.exp(value / 5000);
      return level;
    });
    const size = returns.map((value) => Math.abs(value) + 0.2 * random.normal());
    const features = { last: returns.map((value) => value + 0.3 * random.normal()), size };
    expect(await found(rowsOf({ n, features, price }), [], "look_ahead")).toEqual([]);
  });

  it("shows in labels too where the rows have no price", async () => {
    const { price, last } = market(n);
    const y = Int8Array.from(price, (value, row) => Math.sign((price[row + 5] ?? value) - value));
    const findings = await found(rowsOf({ n, features: { last, moved: movedUp(last) }, y }), [], "look_ahead");
    expect(findings).toMatchObject([
      { verdict: "suspect", feature: "moved", evidence: { target: "label at horizon 5" } },
    ]);
  });
});

describe("a single feature", () => {
  const n = 3000;
  const random = seededRandom(7);
  const y = Int8Array.from({ length: n }, (_, row) => Math.floor(row / 4) % 3).map(() => random.int(3) - 1);
  const others = Object.fromEntries(Array.from({ length: 12 }, (_, j) => [`f${j}`, noise(n, random)]));
  const of = (features: Record<string, ArrayLike<number>>) => found(rowsOf({ n, features, y }), [], "single_feature");

  it("that is the label under other numbers is certain", async () => {
    const coded = Float64Array.from(y, (label) => [7, 3, 11][label + 1]!);
    expect(await of({ ...others, coded })).toMatchObject([{ verdict: "certain", feature: "coded" }]);
  });

  it("that tells far more than the others is suspect, and noise tells nothing", async () => {
    const tells = Float64Array.from(y, (label, row) => label + 0.7 * others.f0![row]!);
    expect(await of({ ...others, tells })).toMatchObject([{ verdict: "suspect", feature: "tells" }]);
    expect(await of(others)).toEqual([]);
  });
});

describe("what a column says of each row", () => {
  it("is train, val and test in the words of many, or the number of a fold", () => {
    const words = ["Training", "train", "VALID", "", null, "out-of-sample", "test"];
    expect(wordSplits("use", words)).toEqual([
      {
        name: "use: train",
        fit: Int32Array.of(0, 1),
        held: [
          { name: "val", rows: Int32Array.of(2) },
          { name: "test", rows: Int32Array.of(5, 6) },
        ],
      },
      { name: "use: val", fit: Int32Array.of(2), held: [{ name: "test", rows: Int32Array.of(5, 6) }], scales: false },
    ]);
    const folds = wordSplits("fold", ["0", "1", "2", "0", null]);
    expect(folds.map(({ fit, held }) => [[...fit], [...held[0]!.rows]])).toEqual([
      [
        [1, 2],
        [0, 3],
      ],
      [[0, 2, 3], [1]],
      [[0, 1, 3], [2]],
    ]);
  });

  it.each([[["train", "tset"]], [["train", "train"]], [["0", "1"]], [["", null]]])("%j is refused", (words) => {
    expect(() => wordSplits("use", words)).toThrow(FoldwiseError);
  });
});

it("context rows are no label of any check", async () => {
  const features = { f: noise(600, seededRandom(1)) };
  const rows = rowsOf({ n: 600, horizon: 200, features });
  expect(rows.labels(200).filter((label) => label === NO_LABEL)).toHaveLength(200);
  expect(await found(rows, split(range(0, 100), range(420, 600)), "overlap")).toEqual([]);
});
