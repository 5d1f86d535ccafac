import { describe, expect, it } from "vitest";
import { NO_TRADE } from "../../src/evaluation/index.js";
import { buildReport, type DecidedPart, type DecisionFacts, formatReport } from "../../src/report/index.js";
import { seededRandom } from "../../src/types/index.js";
import { reportInput } from "./fixtures.js";

const MINUTE = 60_000_000;

/** Every fourth row is covered, long and gains 2 %, or short and loses 1 %, or flat, or no trade; a cost of 0.1 %. */
function part(n: number, more: Partial<DecidedPart> = {}): DecidedPart {
  const sets = new Uint8Array(3 * n).fill(1);
  // Three in four hold two classes, with the true one; one in four only the wrong one.
  for (let i = 0; i < n; i++) sets.set(i % 4 === 3 ? [1, 0, 0] : [0, 1, 1], 3 * i);
  return {
    timestamps: new Float64Array(n).map((_, i) => Date.UTC(2024, 0, 1) * 1000 + i * MINUTE),
    y: new Int8Array(n).fill(1),
    durations: new Float64Array(n).fill(2),
    sets,
    signals: new Int8Array(n).map((_, i) => [1, -1, 0, NO_TRADE][i % 4]!),
    returns: new Float32Array(n).map((_, i) => (i % 4 === 0 ? 0.02 : 0.01)),
    costs: new Float64Array(n).fill(0.001),
    ...more,
  };
}

const facts = (more: Partial<DecisionFacts> = {}): DecisionFacts => ({
  level: 0.8,
  sets: { method: "plain", rows: 300, thresholds: [0.7, 0.7, 0.7] },
  signal: { rule: "expected_value", threshold: null, class_returns: [-0.01, 0, 0.01], cost: 0.001 },
  notices: [],
  calibrate: part(200),
  test: part(400),
  ...more,
});
const decisionOf = (more: Partial<DecisionFacts> = {}) => buildReport(reportInput({ decision: facts(more) })).decision!;

describe("the report of sets and signals", () => {
  it("has coverage beside the promise, overall and over time", () => {
    const { test, calibrate, level } = decisionOf();
    expect([level, test!.sets!.coverage, calibrate.sets!.coverage]).toEqual([0.8, 0.75, 0.75]);
    const [low, high] = test!.sets!.interval;
    expect(low).toBeLessThanOrEqual(0.75);
    expect(high).toBeGreaterThanOrEqual(0.75);
    expect(test!.sets!.over_time).toHaveLength(10);
    expect(test!.sets!.over_time[1]).toEqual({
      from: "2024-01-01T00:40:00.000Z",
      to: "2024-01-01T01:19:00.000Z",
      rows: 40,
      coverage: 0.75,
    });
    expect(test!.sets).toMatchObject({ mean_size: 1.75, single_share: 0.25, single_coverage: 0, empty_share: 0 });
  });

  it("counts signals and tells what one is worth, net of costs", () => {
    const { signals, trades } = decisionOf().test!;
    expect(signals).toEqual({ long: 100, short: 100, flat: 100, no_trade: 100 });
    expect(trades).toMatchObject({ rows: 200, hit_rate: 0.5 });
    expect(trades!.mean_gross).toBeCloseTo(0.005, 8);
    expect(trades!.mean_net).toBeCloseTo(0.004, 8);
  });

  it("has an interval of a signal's worth as wide as that of so many independent rows", () => {
    const random = seededRandom(5);
    const n = 4000;
    const signals = new Int8Array(n).map(() => (random.next() < 0.25 ? 1 : NO_TRADE));
    const returns = new Float32Array(n).map(() => random.next() - 0.5);
    const { trades } = decisionOf({ test: part(n, { signals, returns, durations: new Float64Array(n), costs: null }) })
      .test!;
    expect(trades!.mean_net).toBeNull();
    const [low, high] = trades!.interval!;
    expect((low + high) / 2).toBeCloseTo(trades!.mean_gross!, 2);
    // ± 1.96 standard deviations of a uniform / √ rows
    const expected = (2 * 1.96 * Math.sqrt(1 / 12)) / Math.sqrt(trades!.rows);
    expect((high - low) / expected).toBeGreaterThan(0.85);
    expect((high - low) / expected).toBeLessThan(1.3);
  });

  it("leaves rows without a return or a price out of it, and says nothing where there is none", () => {
    const returns = part(400).returns!.map((value, i) => (i % 8 === 0 ? Number.NaN : value));
    const costs = part(400).costs!.map((value, i) => (i % 8 === 1 ? Number.NaN : value));
    expect(decisionOf({ test: part(400, { returns, costs }) }).test!.trades!.rows).toBe(100);
    expect(decisionOf({ test: part(400, { returns: null }) }).test!.trades).toBeNull();
    const still = part(400, { signals: new Int8Array(400).fill(NO_TRADE) });
    expect(decisionOf({ test: still }).test!.trades).toEqual({
      ...{ rows: 0, hit_rate: null, mean_gross: null, mean_net: null, interval: null },
    });
  });

  it("is short in the terminal, and wide enough for one", () => {
    const text = formatReport(buildReport(reportInput({ decision: facts({ notices: ["Something is missing."] }) })));
    const section = text.slice(text.indexOf("Prediction sets"), text.indexOf("feature  "));
    expect(section).toMatchSnapshot();
    for (const line of section.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  it("shows each class where the promise is of each, and says which intervals are unreliable", () => {
    const sets = { method: "class_conditional" as const, rows: 300 };
    const of = (n: number) => part(n, { durations: new Float64Array(n).fill(20) });
    const decision = facts({ sets: { ...sets, thresholds: [0.7, null, 0.7] }, calibrate: of(200), test: of(900) });
    const text = formatReport(buildReport(reportInput({ decision })));
    expect(text).toMatch(/^ +covered +95 % +−1 +0 +1 +over time/m);
    expect(text).toMatch(/^test +75\.0 % +\[75\.0 %, 75\.0 %\] +– +– +75\.0 % .* 0\.0 %$/m);
    expect(text).toMatch(/^calibrate .* 0\.0 % +unreliable: 3 blocks$/m);
    expect(text).toMatch(/^calibrate .* \[.*\] +unreliable: 3 blocks$/m);
  });

  it("says that there are no sets, and that the test part is closed", () => {
    const none = { ...part(200), sets: null };
    const decision = decisionOf({ sets: null, calibrate: none, test: null });
    expect(decision.test).toBeNull();
    expect(decision.calibrate.sets).toBeNull();
    const text = formatReport(
      buildReport(reportInput({ decision: facts({ sets: null, calibrate: none, test: null }) })),
    );
    expect(text).toContain("Prediction sets: none.");
    expect(text).not.toMatch(/^test +\d+ +\d+ +\d+ +\d+ /m);
  });
});
