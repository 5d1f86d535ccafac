/** Sets and signals of a job's calibrate and test rows: what they may know, and what stands for them where something is missing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStored, viewOf, writeDataset } from "../../src/data/index.js";
import { type ClassShares, coverageReport, NO_TRADE, priorOf, rowsAt } from "../../src/evaluation/index.js";
import { decide, toOutput } from "../../src/inference/index.js";
import { calibrationOn, innerFolds } from "../../src/training/calibration.js";
import {
  type DecisionSettings,
  type DecisionSource,
  decidedAnswers,
  type FittedDecision,
  type FreshAnswers,
  fitDecision,
} from "../../src/training/decision.js";
import { openingOf } from "../../src/training/openings.js";
import { planRows } from "../../src/training/rows.js";
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
type Kind = "raw" | "calibrated" | "combined";
/** `combined`: halfway to the class shares of the rows that it learned on. */
const fresh = async (of: DecisionSource, rows = CALIBRATE, kind: Kind = "raw"): Promise<FreshAnswers> => {
  const raw = at(rows);
  const options = { setting: "temperature", prior: PRIOR } as const;
  const calibration = kind === "calibrated" ? calibrationOn(of.dataset, of.horizon, rows, raw, options) : null;
  if (kind !== "combined") return { rows, raw, calibration, combinedOn: null };
  const y = of.dataset.labels(5).slice(rows[0]!, rows.at(-1)! + 1);
  const learn = (train: Int32Array) => {
    const shares = priorOf(y.filter((_, i) => train.includes(i)));
    return (test: Int32Array) => rowsAt(raw, test).map((each, j) => (each + shares[j % 3]!) / 2);
  };
  const crossFitted = (some: Int32Array): Float64Array => {
    const p = new Float64Array(3 * some.length);
    for (const { train, test } of innerFolds(
      of.dataset,
      5,
      some.map((i) => rows[i]!),
    )) {
      const said = learn(train.map((j) => some[j]!))(test.map((j) => some[j]!));
      for (const [k, j] of test.entries()) p.set(said.subarray(3 * k, 3 * k + 3), 3 * j);
    }
    return p;
  };
  const p = crossFitted(rows.map((_, i) => i));
  const again = async (train: Int32Array) => ({
    inner: crossFitted(train),
    answer: async (test: Int32Array) => learn(train)(test),
    dispose: async () => {},
  });
  return { rows, raw: new Float32Array(p), calibration, combinedOn: { X: viewOf(of.dataset, rows), y, p, again } };
};
const decisionOn = async (
  of: DecisionSource = source,
  more: Partial<DecisionSettings> = {},
  answers: FreshAnswers | Promise<FreshAnswers> = fresh(of),
): Promise<FittedDecision> => fitDecision(of, await answers, { ...SETTINGS, ...more });
const labels = (rows: Int32Array): Int8Array => source.dataset.labels(5).slice(rows[0]!, rows.at(-1)! + 1);
const coverage = (rows: Int32Array, sets: Uint8Array): number =>
  coverageReport({ y: labels(rows), sets, durations: new Float64Array(rows.length).fill(5) }, { level: 0.8, seed: 1 })
    .coverage;
const tested = (fitted: FittedDecision, of: DecisionSource = source, output = toOutput(at(TEST))) =>
  decidedAnswers([{ part: "test", rows: TEST, output }], fitted, of)[0]!.output;

describe("a decision fitted on calibrate rows", () => {
  it.each(["plain", "class_conditional", "adaptive"] as const)("keeps the promise of %s sets", async (sets) => {
    const { decision, own, notices } = await decisionOn(source, { sets });
    expect(decision.sets).toMatchObject({ method: sets, level: 0.8, rows: CALIBRATE.length });
    expect(coverage(CALIBRATE, own.sets!)).toBeCloseTo(0.8, 1);
    expect(notices).toEqual([]);
  });

  it("has the class returns of those rows, and what a round trip costs there", async () => {
    const { signal } = (await decisionOn()).decision;
    expect(signal).toMatchObject({ rule: "expected_value", cost: expect.closeTo(3.74 / 500, 12) });
    const [short, neutral, long] = (signal as { class_returns: number[] }).class_returns;
    expect([short! / 0.02, neutral! / 0.02, long! / 0.02]).toEqual([-1, 0, 1].map((r) => expect.closeTo(r, 2)));
  });

  it.each(["raw", "calibrated", "combined"] as const)(
    "says of a row what does not know its label (%s)",
    async (kind) => {
      const rows = CALIBRATE.slice(0, 600);
      // All that one fold tests.
      const [from, to] = [rows[240]!, rows[360]!];
      const after = relabelled((row) => row >= from && row < to);
      const of = (each: DecisionSource) => decisionOn(each, {}, fresh(each, rows, kind));
      const [before, now] = [await of(source), await of(after)];
      expect(now.own.sets!.slice(3 * 240, 3 * 360)).toEqual(before.own.sets!.slice(3 * 240, 3 * 360));
      expect(now.own.signals.slice(240, 360)).toEqual(before.own.signals.slice(240, 360));
      expect(now.own.sets).not.toEqual(before.own.sets);
      expect(now.decision).not.toEqual(before.decision);
    },
  );
});

describe("adaptive sets of the test rows", () => {
  it("know no label that ends after their row, and those that end before", async () => {
    const fitted = await decisionOn(source, { sets: "adaptive", signal: "set_size" });
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

  it("recover where the market turns round, and those that are served do not", async () => {
    const turned = relabelled((row) => row >= TEST[0]!);
    const fitted = await decisionOn(source, { sets: "adaptive" });
    const output = toOutput(at(TEST));
    const last = range(TEST.length - 400, TEST.length);
    const covered = (sets: Uint8Array): number =>
      last.filter((i) => sets[3 * i + other(labels(TEST)[i]!) + 1] === 1).length / last.length;
    expect(covered(tested(fitted, turned, output).sets!)).toBeGreaterThan(0.75);
    expect(covered(decide(fitted.decision, output.probabilities).sets!)).toBeLessThan(0.65);
  });
});

it("is part of the configuration whose openings are counted", () => {
  const { dataset } = source;
  const cell = { job: "svm_TOY_h5", model: "svm", symbol: "TOY", horizon: 5 };
  const settings = { model_params: {}, training: {} };
  const facts = { cell, settings, dataset, plan: planRows(dataset, undefined, null), seed: 7 };
  const opened = (more: Partial<DecisionSettings> = {}): string =>
    openingOf({ ...facts, calibration: "none", decision: { ...SETTINGS, ...more } }).configuration;
  const others = [opened({ level: 0.81 }), opened({ sets: "adaptive" }), opened({ signal: "set_size" })];
  expect(new Set([opened(), opened(), ...others]).size).toBe(4);
});

describe("what is missing is told, and done without", () => {
  it("labels: with fewer than 30 effective ones nothing is fitted", async () => {
    const rows = CALIBRATE.slice(0, 60);
    for (const signal of ["expected_value", "set_size"] as const) {
      const { decision, own, state, notices } = await decisionOn(
        source,
        { signal, sets: "adaptive" },
        fresh(source, rows),
      );
      expect(decision).toEqual({ sets: null, signal: { rule: "probability", threshold: 0.6 } });
      expect([own.sets, own.signals.length, state]).toEqual([null, 60, null]);
      expect(notices).toEqual([
        expect.stringMatching(/^Nothing is fitted: the calibrate rows hold \d+ effective labels, and at least 30/),
        expect.stringMatching(/at least 0\.6, not by (expected value|set size): too few labels/),
      ]);
    }
  });

  it("labels: where purging leaves nothing of a fold", async () => {
    const last = source.dataset.timestamps()[CALIBRATE.at(-1)!]!;
    const ends = source.dataset.labelEnds(5).map((end, row) => (row === CALIBRATE[0] ? last : end));
    const { decision, notices } = await decisionOn(changed({ labelEnds: () => ends }));
    expect(decision.sets).toBeNull();
    expect(notices[0]).toMatch(/^There are no sets: the calibrate rows cannot be cut into purged folds/);
  });

  it("returns, of all rows or of a class", async () => {
    const { decision, notices } = await decisionOn(changed({ returns: () => null }));
    expect(decision.signal).toEqual({ rule: "probability", threshold: 0.6 });
    expect(decision.sets).not.toBeNull();
    expect(notices).toEqual([expect.stringMatching(/not by expected value: the dataset has no return_h5\.$/)]);
    const kept = source.dataset
      .returns(5)!
      .map((value, row) => (source.dataset.labels(5)[row] === 1 ? Number.NaN : value));
    expect((await decisionOn(changed({ returns: () => kept }))).notices).toEqual([
      expect.stringMatching(/no return of class 1, which the model thinks possible/),
    ]);
  });

  it("classes: of rows of one class the sets are made, and that is said", async () => {
    const one = changed({ labels: () => source.dataset.labels(5).map((label) => (label === NO_LABEL ? label : 0)) });
    for (const sets of ["plain", "class_conditional"] as const) {
      const { decision, notices } = await decisionOn(one, { sets });
      expect(decision.sets!.thresholds[1]).toBeLessThan(1);
      expect(decision.sets!.thresholds[0] === null).toBe(sets === "class_conditional");
      expect(notices[0]).toMatch(/hold only class 0/);
      expect(notices.at(-1)).toMatch(/no return of class -1, 1, each of which/);
    }
  });

  it("costs: expected value is before them", async () => {
    const { decision, notices } = await decisionOn({ ...source, costs: null });
    expect(decision.signal).toMatchObject({ rule: "expected_value", cost: null });
    expect(notices).toEqual([expect.stringMatching(/before costs: the costs of TOY are not known/)]);
  });
});
