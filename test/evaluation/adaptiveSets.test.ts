import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { coverageOf, modelRows } from "../../bench/lib/modelRows.js";
import {
  type AdaptiveRows,
  type AdaptiveState,
  adaptiveSets,
  adaptiveStart,
  fitConformal,
  predictionSets,
  settledThreshold,
} from "../../src/evaluation/index.js";
import { NO_LABEL, seededRandom } from "../../src/types/index.js";

interface GoldenAdaptive {
  y: number[];
  p: number[][];
  timestamps: number[];
  labelEnds: number[];
  level: number;
  gamma: number;
  window: number;
  alphas: number[];
  sets: number[][];
}

const golden = JSON.parse(readFileSync(new URL("../fixtures/conformal/golden.json", import.meta.url), "utf8")) as {
  adaptive: GoldenAdaptive[];
};

/** Rows a minute apart whose labels are known 1 to 20 rows on. */
function marketRows(n: number, seed: number, truth: (row: number) => number): AdaptiveRows {
  const random = seededRandom(seed + 1_000);
  const timestamps = new Float64Array(n).map((_, i) => 60e6 * (i + 1));
  const labelEnds = timestamps.map((time) => time + 60e6 * (1 + random.int(20)));
  return { timestamps, labelEnds, ...modelRows(n, { seed, spread: 1.5, truth }) };
}

const part = ({ timestamps, labelEnds, y, p }: AdaptiveRows, from: number, to?: number): AdaptiveRows => ({
  timestamps: timestamps.slice(from, to),
  labelEnds: labelEnds.slice(from, to),
  y: y.slice(from, to),
  p: p.slice(3 * from, to === undefined ? undefined : 3 * to),
});
const other = (label: number): number => ((label + 2) % 3) - 1;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("adaptive sets", () => {
  it.each(golden.adaptive)(
    "are those of an independent calculation: level $level, gamma $gamma, window $window",
    (each) => {
      const { level, gamma, window } = each;
      const { sets, alphas } = adaptiveSets(adaptiveStart({ level, gamma, window }), {
        timestamps: Float64Array.from(each.timestamps),
        labelEnds: Float64Array.from(each.labelEnds),
        y: Int8Array.from(each.y),
        p: Float64Array.from(each.p.flat()),
      });
      expect([...alphas]).toEqual(each.alphas);
      expect([...sets]).toEqual(each.sets.flat());
    },
  );

  describe("at row t", () => {
    const rows = marketRows(400, 1, () => 1);
    const start = adaptiveStart({ level: 0.8, gamma: 0.05, window: 50 });
    const { sets } = adaptiveSets(start, rows);
    const moments = Array.from({ length: 80 }, (_, i) => 5 * i + 4);
    /** Sets up to row t where labels (and their ends) are changed that are known after t, or, if not `later`, by then. */
    const changed = (t: number, later: boolean): Uint8Array => {
      const now = rows.timestamps[t]!;
      const affected = (i: number): boolean => rows.labelEnds[i]! > now === later;
      const y = rows.y.map((label, i) => (affected(i) ? other(label) : label));
      const sooner = (end: number, i: number): number => Math.max(now, rows.timestamps[i]!, end - 120e6) + 1;
      const labelEnds = rows.labelEnds.map((end, i) => (later && affected(i) ? sooner(end, i) : end));
      return adaptiveSets(start, { ...rows, y, labelEnds }).sets.slice(0, 3 * (t + 1));
    };

    it("use no label that is known after t: changing every one of them, and its end, changes no set up to t", () => {
      for (const t of moments) expect(changed(t, true), `row ${t}`).toEqual(sets.slice(0, 3 * (t + 1)));
    });

    it("use those that are known by then", () => {
      const moved = moments.filter((t) => changed(t, false).join() !== sets.slice(0, 3 * (t + 1)).join());
      expect(moved.length).toBeGreaterThan(70);
    });

    it("use a label at the moment at which it is known, not a microsecond before", () => {
      const [one, two] = [0, 1].map((early) => {
        const y = Int8Array.of(1, -1);
        const p = Float64Array.of(0.2, 0.2, 0.6, 0.2, 0.2, 0.6);
        const labelEnds = Float64Array.of(11 - early, 50);
        const state = adaptiveStart({ level: 0.4, gamma: 0.01 });
        return adaptiveSets(state, { timestamps: Float64Array.of(1, 10), labelEnds, y, p });
      });
      expect([...one!.sets.slice(3)]).toEqual([1, 1, 1]);
      expect([...two!.sets.slice(3)]).toEqual([0, 0, 1]);
      expect(one!.state.pending).toHaveLength(2);
      expect(two!.state.pending).toHaveLength(1);
    });

    it("do not use its own label, even if that is known at once", () => {
      const at = (y: Int8Array) => adaptiveSets(start, { ...rows, labelEnds: rows.timestamps, y }).sets;
      const t = 300;
      const flipped = rows.y.map((label, i) => (i === t ? other(label) : label));
      expect(at(flipped).slice(0, 3 * (t + 1))).toEqual(at(rows.y).slice(0, 3 * (t + 1)));
    });
  });

  it.each([1, 57, 250, 299])("are the same in two parts, the state going through JSON: after row %d", (border) => {
    const rows = marketRows(300, 2, (i) => 1 - i / 200);
    const start = adaptiveStart({ level: 0.9, gamma: 0.03, window: 40 });
    const whole = adaptiveSets(start, rows);
    const first = adaptiveSets(start, part(rows, 0, border));
    const stored = JSON.parse(JSON.stringify(first.state)) as AdaptiveState;
    const second = adaptiveSets(stored, part(rows, border));
    expect([...first.sets, ...second.sets]).toEqual([...whole.sets]);
    expect([...first.alphas, ...second.alphas]).toEqual([...whole.alphas]);
    expect(second.state).toEqual(whole.state);
    expect(stored).toEqual(first.state);
  });

  it("are the same live: the rows of the last labels given again, those still open without one", () => {
    const rows = marketRows(200, 4, () => 1);
    const start = adaptiveStart({ level: 0.8, gamma: 0.05, window: 50 });
    const { sets } = adaptiveSets(start, rows);
    for (let t = 40; t < 200; t += 7) {
      const { state } = adaptiveSets(start, part(rows, 0, t - 25));
      const recent = part(rows, t - 25, t + 1);
      const y = recent.y.map((label, i) => (recent.labelEnds[i]! > rows.timestamps[t]! ? NO_LABEL : label));
      expect(adaptiveSets(state, { ...recent, y }).sets.slice(-3), `row ${t}`).toEqual(sets.slice(3 * t, 3 * t + 3));
    }
  });

  it("settle where the next row would stand once every label is known", () => {
    const rows = marketRows(600, 3, () => 1);
    const { state } = adaptiveSets(adaptiveStart({ level: 0.8, window: 200 }), rows);
    expect(state.pending.length).toBeGreaterThan(3);
    const later = { timestamps: Float64Array.of(1e12), labelEnds: Float64Array.of(1e12), y: Int8Array.of(NO_LABEL) };
    for (const p of [Float64Array.of(0.2, 0.3, 0.5), Float64Array.of(0.05, 0.15, 0.8)]) {
      const threshold = settledThreshold(state);
      const { sets } = adaptiveSets(state, { ...later, p });
      expect([...predictionSets({ thresholds: [threshold, threshold, threshold] }, p)]).toEqual([...sets]);
    }
    const start = adaptiveStart({ level: 0.9 });
    expect([settledThreshold(start), settledThreshold({ ...start, alpha: 1.2, scores: [0.5] })]).toEqual([null, -1]);
  });

  it("answer rows without a label, which teach nothing", () => {
    const rows = marketRows(200, 3, () => 1);
    const start = adaptiveStart({ level: 0.8 });
    const live = {
      ...rows,
      y: rows.y.slice().fill(NO_LABEL, 150),
      labelEnds: rows.labelEnds.slice().fill(Number.NaN, 150),
    };
    const { sets, state } = adaptiveSets(start, live);
    expect(sets.slice(0, 450)).toEqual(adaptiveSets(start, rows).sets.slice(0, 450));
    expect(sets.slice(-3).some((held) => held === 1)).toBe(true);
    expect(state.pending).toEqual([]);
    expect(state.scores).toHaveLength(150);
  });
});

describe("on a market whose signal turns round, 90 % promised", () => {
  const [CALIBRATE, TEST] = [2_000, 4_000];
  // What the model says is true up to the test rows, and half of it the other way round at their end.
  const truth = (row: number): number => 1 - 1.5 * Math.max((row - CALIBRATE) / TEST, 0);
  const found = [1, 2, 3, 4, 5].map((seed) => {
    const rows = marketRows(CALIBRATE + TEST, seed, truth);
    const [calibrate, test] = [part(rows, 0, CALIBRATE), part(rows, CALIBRATE)];
    const plain = predictionSets(fitConformal(calibrate.y, calibrate.p, { level: 0.9, kind: "plain" }), test.p);
    const adaptive = adaptiveSets(adaptiveSets(adaptiveStart({ level: 0.9 }), calibrate).state, test).sets;
    const last = (sets: Uint8Array): number => coverageOf(test.y.slice(-1_000), sets.slice(-3_000));
    return {
      plain: coverageOf(test.y, plain),
      adaptive: coverageOf(test.y, adaptive),
      lastPlain: last(plain),
      lastAdaptive: last(adaptive),
    };
  });
  const of = (key: keyof (typeof found)[number]): number => mean(found.map((each) => each[key]));
  const figures = `plain ${of("plain").toFixed(3)}, in the last quarter ${of("lastPlain").toFixed(3)}; adaptive ${of("adaptive").toFixed(3)}, ${of("lastAdaptive").toFixed(3)}`;

  it(`plain sets fall short and adaptive ones recover: ${figures}`, () => {
    expect(of("plain"), figures).toBeLessThan(0.84);
    expect(of("lastPlain"), figures).toBeLessThan(0.75);
    expect(Math.abs(of("adaptive") - 0.9), figures).toBeLessThan(0.01);
    expect(Math.abs(of("lastAdaptive") - 0.9), figures).toBeLessThan(0.015);
  });

  it("and on one that stays as it was, adaptive sets cover as much as plain ones", () => {
    const rows = marketRows(12_000, 6, () => 1);
    const { sets } = adaptiveSets(adaptiveStart({ level: 0.9 }), rows);
    expect(Math.abs(coverageOf(rows.y.slice(2_000), sets.slice(6_000)) - 0.9)).toBeLessThan(0.01);
  });
});

describe("refused, with a remedy", () => {
  const rows = marketRows(20, 7, () => 1);
  const start = adaptiveStart({ level: 0.9 });
  const twice = rows.timestamps.map((time, i) => (i === 5 ? rows.timestamps[4]! : time));
  it.each([
    ["a level of 1", "usage.conformal_level", () => adaptiveStart({ level: 1 })],
    ["no level", "usage.conformal_level", () => adaptiveStart({ level: Number.NaN })],
    ["a step of 0", "usage.conformal_gamma", () => adaptiveStart({ level: 0.9, gamma: 0 })],
    ["no step", "usage.conformal_gamma", () => adaptiveStart({ level: 0.9, gamma: Number.NaN })],
    ["a window without scores", "usage.conformal_window", () => adaptiveStart({ level: 0.9, window: 0 })],
    ["half a score", "usage.conformal_window", () => adaptiveStart({ level: 0.9, window: 2.5 })],
    ["no rows", "data.no_rows", () => adaptiveSets(start, part(rows, 0, 0))],
    ["part of the probabilities", "data.shape_mismatch", () => adaptiveSets(start, { ...rows, p: rows.p.slice(1) })],
    [
      "part of the label ends",
      "data.shape_mismatch",
      () => adaptiveSets(start, { ...rows, labelEnds: rows.labelEnds.slice(1) }),
    ],
    ["labels that are none", "data.bad_label", () => adaptiveSets(start, { ...rows, y: rows.y.map(() => 2) })],
    [
      "answers that are none",
      "data.bad_probabilities",
      () => adaptiveSets(start, { ...rows, p: rows.p.map(() => 0.5) }),
    ],
    ["two rows of one time", "data.unsorted", () => adaptiveSets(start, { ...rows, timestamps: twice })],
    [
      "a row that the state has seen",
      "data.unsorted",
      () => adaptiveSets(adaptiveSets(start, rows).state, part(rows, 19)),
    ],
    [
      "labels that are known before their rows",
      "data.label_end",
      () => adaptiveSets(start, { ...rows, labelEnds: rows.timestamps.map((time) => time - 1) }),
    ],
    [
      "labels that are never known",
      "data.label_end",
      () => adaptiveSets(start, { ...rows, labelEnds: rows.labelEnds.map(() => Number.NaN) }),
    ],
  ] as const)("%s: %s", (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code, remedy: expect.stringMatching(/.{20}/) }));
  });
});
