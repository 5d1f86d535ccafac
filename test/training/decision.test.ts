/** Sets and signals of a job's calibrate and test rows: what they may know, and what stands for them where something is missing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStored, writeDataset } from "../../src/data/index.js";
import { type ClassShares, coverageReport, NO_TRADE } from "../../src/evaluation/index.js";
import { decide, toOutput } from "../../src/inference/index.js";
import { calibrationOn } from "../../src/training/calibration.js";
import {
  type DecisionSettings,
  type DecisionSource,
  decidedAnswers,
  type FittedDecision,
  type FreshAnswers,
  fitDecision,
} from "../../src/training/decision.js";
import { NO_LABEL, type StoredDataset, seededRandom } from "../../src/types/index.js";
import { bigDataset } from "../data/datasets.js";

const ROWS = 3000;
const range = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);
/** Labels take five rows; between the parts there is room for them. */
const [CALIBRATE, TEST] = [range(500, 1700), range(1706, 2700)];
const PRIOR: ClassShares = [0.3, 0.4, 0.3];
const SETTINGS: DecisionSettings = { level: 0.8, sets: "plain", signal: "expected_value", threshold: 0.6 };
const COSTS = { tickSize: 0.25, tickValue: 1.25, commission: 0.62, slippageTicks: 1 };

let out: string;
let source: DecisionSource;
/** (ROWS, 3) of a model that is too sure of itself. */
let p: Float32Array;

beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), "foldwise-decision-"));
  const dataset = bigDataset({ rows: ROWS, features: 1 });
  const random = seededRandom(9);
  p = new Float32Array(3 * ROWS);
  const y = new Int8Array(ROWS);
  for (let i = 0; i < ROWS; i++) {
    const logits = [0, 1, 2].map(() => random.normal());
    const share = (scale: number, k: number) =>
      Math.exp(scale * logits[k]!) / logits.reduce((sum, each) => sum + Math.exp(scale * each), 0);
    for (let k = 0; k < 3; k++) p[3 * i + k] = share(2, k);
    const u = random.next();
    y[i] = u < share(1, 0) ? -1 : u < share(1, 0) + share(1, 1) ? 0 : 1;
  }
  const horizons = dataset.horizons.map((horizon) => ({
    ...horizon,
    y: horizon.y.map((label, i) => (label === NO_LABEL ? NO_LABEL : y[i]!)),
    r: Float32Array.from(y, (label) => 0.02 * label + 0.001 * (random.next() - 0.5)),
  }));
  await writeDataset({ ...dataset, horizons }, { out, layouts: ["series"] });
  const stored = await openStored({ symbol: "TOY", data: join(out, "datasets"), store: join(out, "store") });
  source = { dataset: stored, symbol: "TOY", horizon: 5, costs: COSTS };
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

const at = (rows: Int32Array): Float32Array => p.slice(3 * rows[0]!, 3 * (rows.at(-1)! + 1));
const other = (label: number): number => (label === NO_LABEL ? label : ((label + 2) % 3) - 1);
/** The source with something else in the place of its dataset's. */
const changed = (change: Partial<StoredDataset>): DecisionSource => ({
  ...source,
  dataset: Object.assign(Object.create(source.dataset) as StoredDataset, change),
});
const relabelled = (which: (row: number) => boolean): DecisionSource => {
  const labels = source.dataset.labels(5).map((label, row) => (which(row) ? other(label) : label));
  return changed({ labels: () => labels });
};
const fresh = (of: DecisionSource, rows = CALIBRATE, calibrated = false): FreshAnswers => {
  const raw = at(rows);
  const options = { setting: "temperature", prior: PRIOR } as const;
  const calibration = calibrated ? calibrationOn(of.dataset, of.horizon, rows, raw, options) : null;
  return { rows, raw, calibration, prior: PRIOR };
};
const decisionOn = (
  of: DecisionSource = source,
  more: Partial<DecisionSettings> = {},
  answers = fresh(of),
): FittedDecision => fitDecision(of, answers, { ...SETTINGS, ...more });
const labels = (rows: Int32Array): Int8Array => source.dataset.labels(5).slice(rows[0]!, rows.at(-1)! + 1);
const coverage = (rows: Int32Array, sets: Uint8Array): number =>
  coverageReport({ y: labels(rows), sets, durations: new Float64Array(rows.length).fill(5) }, { level: 0.8, seed: 1 })
    .coverage;
const tested = (fitted: FittedDecision, of: DecisionSource = source, output = toOutput(at(TEST))) =>
  decidedAnswers([{ part: "test", rows: TEST, output }], fitted, of)[0]!.output;

describe("a decision fitted on calibrate rows", () => {
  it.each(["plain", "class_conditional", "adaptive"] as const)("keeps the promise of %s sets", (sets) => {
    const { decision, own, notices } = decisionOn(source, { sets });
    expect(decision.sets).toMatchObject({ method: sets, level: 0.8, rows: CALIBRATE.length });
    expect(coverage(CALIBRATE, own.sets!)).toBeCloseTo(0.8, 1);
    expect(notices).toEqual([]);
  });

  it("has the class returns of those rows, and what a round trip costs there", () => {
    const { signal } = decisionOn().decision;
    expect(signal).toMatchObject({ rule: "expected_value", cost: expect.closeTo(3.74 / 500, 12) });
    const [short, neutral, long] = (signal as { class_returns: number[] }).class_returns;
    expect([short! / 0.02, neutral! / 0.02, long! / 0.02]).toEqual([-1, 0, 1].map((r) => expect.closeTo(r, 2)));
  });

  // Of a fold in the middle: row 620 of 1 200, well within, and its neighbours up to the border.
  it.each([false, true])("says of a row what does not know its label (calibrated: %s)", (calibrated) => {
    const [from, to] = [CALIBRATE[480]!, CALIBRATE[720]!];
    const after = relabelled((row) => row >= from && row < to);
    const [before, now] = [source, after].map((of) => decisionOn(of, {}, fresh(of, CALIBRATE, calibrated)));
    expect(now!.own.sets!.slice(3 * 480, 3 * 720)).toEqual(before!.own.sets!.slice(3 * 480, 3 * 720));
    expect(now!.own.signals.slice(480, 720)).toEqual(before!.own.signals.slice(480, 720));
    expect(now!.own.sets).not.toEqual(before!.own.sets);
    expect(now!.decision).not.toEqual(before!.decision);
  });
});

describe("adaptive sets of the test rows", () => {
  it("know no label that ends after their row, and those that end before", () => {
    const fitted = decisionOn(source, { sets: "adaptive", signal: "set_size" });
    const before = tested(fitted);
    const t = 400;
    // The label of row t − 5 is known at t; that of t − 4 is not.
    const after = tested(
      fitted,
      relabelled((row) => row > TEST[t]! - 5),
    );
    expect(after.sets!.slice(0, 3 * t + 3)).toEqual(before.sets!.slice(0, 3 * t + 3));
    expect(after.signals!.slice(0, t + 1)).toEqual(before.signals!.slice(0, t + 1));
    expect(after.sets).not.toEqual(before.sets);
    expect(before.signals).toEqual(
      before.signals!.map((_, i) => {
        const [a, b, c] = before.sets!.slice(3 * i, 3 * i + 3);
        return a! + b! + c! === 1 ? c! - a! : NO_TRADE;
      }),
    );
  });

  it("recover where the market turns round, and those that are served do not", () => {
    const turned = relabelled((row) => row >= TEST[0]!);
    const fitted = decisionOn(source, { sets: "adaptive" });
    const output = toOutput(at(TEST));
    const last = range(TEST.length - 400, TEST.length);
    const covered = (sets: Uint8Array): number =>
      last.filter((i) => sets[3 * i + other(labels(TEST)[i]!) + 1] === 1).length / last.length;
    expect(covered(tested(fitted, turned, output).sets!)).toBeGreaterThan(0.75);
    expect(covered(decide(fitted.decision, output.probabilities).sets!)).toBeLessThan(0.65);
  });
});

describe("what is missing is told, and done without", () => {
  it("labels: with fewer than 30 effective ones nothing is fitted", () => {
    const rows = CALIBRATE.slice(0, 60);
    for (const signal of ["expected_value", "set_size"] as const) {
      const { decision, own, state, notices } = decisionOn(source, { signal, sets: "adaptive" }, fresh(source, rows));
      expect(decision).toEqual({ sets: null, signal: { rule: "probability", threshold: 0.6 } });
      expect([own.sets, own.signals.length, state]).toEqual([null, 60, null]);
      expect(notices).toEqual([
        expect.stringMatching(/^Nothing is fitted: the calibrate rows hold \d+ effective labels, and at least 30/),
        expect.stringMatching(/at least 0\.6, not by (expected value|set size): too few labels/),
      ]);
    }
  });

  it("labels: where purging leaves nothing of a fold", () => {
    const last = source.dataset.timestamps()[CALIBRATE.at(-1)!]!;
    const ends = source.dataset.labelEnds(5).map((end, row) => (row === CALIBRATE[0] ? last : end));
    const { decision, notices } = decisionOn(changed({ labelEnds: () => ends }));
    expect(decision.sets).toBeNull();
    expect(notices[0]).toMatch(/^Nothing is fitted: the calibrate rows cannot be cut into purged folds/);
  });

  it("returns, of all rows or of a class", () => {
    const { decision, notices } = decisionOn(changed({ returns: () => null }));
    expect(decision.signal).toEqual({ rule: "probability", threshold: 0.6 });
    expect(decision.sets).not.toBeNull();
    expect(notices).toEqual([expect.stringMatching(/not by expected value: the dataset has no return_h5\.$/)]);
    const kept = source.dataset
      .returns(5)!
      .map((value, row) => (source.dataset.labels(5)[row] === 1 ? Number.NaN : value));
    expect(decisionOn(changed({ returns: () => kept })).notices).toEqual([
      expect.stringMatching(/no return of class 1, which the model thinks possible/),
    ]);
  });

  it("classes: of rows of one class the sets are made, and that is said", () => {
    const one = changed({ labels: () => source.dataset.labels(5).map((label) => (label === NO_LABEL ? label : 0)) });
    for (const sets of ["plain", "class_conditional"] as const) {
      const { decision, notices } = decisionOn(one, { sets });
      expect(decision.sets!.thresholds[1]).toBeLessThan(1);
      expect(decision.sets!.thresholds[0] === null).toBe(sets === "class_conditional");
      expect(notices[0]).toMatch(/hold only class 0/);
      expect(notices.at(-1)).toMatch(/no return of class -1, 1, each of which/);
    }
  });

  it("costs: expected value is before them", () => {
    const { decision, notices } = decisionOn({ ...source, costs: null });
    expect(decision.signal).toMatchObject({ rule: "expected_value", cost: null });
    expect(notices).toEqual([expect.stringMatching(/before costs: the costs of TOY are not known/)]);
  });
});
