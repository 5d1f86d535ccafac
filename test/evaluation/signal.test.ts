import { describe, expect, it } from "vitest";
import {
  type ClassReturns,
  classReturns,
  expectedReturns,
  NO_TRADE,
  type SignalRule,
  signalOf,
  tradeOrNull,
} from "../../src/evaluation/index.js";

const signals = (...of: Parameters<typeof signalOf>) => [...signalOf(...of)].map(tradeOrNull);

describe("signals by expected value", () => {
  const rule: SignalRule = { rule: "expected_value", classReturns: [-0.01, 0, 0.02] };
  //                         E = 0.005        E = −0.006       E = 0.001        E = 0.002        E = 0
  const p = Float64Array.of(0.3, 0.3, 0.4, 0.7, 0.25, 0.05, 0.1, 0.85, 0.05, 0.6, 0, 0.4, 0.2, 0.7, 0.1);

  it("enter where it exceeds the cost, stay flat on a neutral answer, and do not trade where a side does not pay", () => {
    expect([...expectedReturns([-0.01, 0, 0.02], p)]).toEqual(
      [0.005, -0.006, 0, 0.002, 0].map((e) => expect.closeTo(e, 12)),
    );
    const costs = new Float64Array(5).fill(0.003);
    expect(signals(rule, { p, costs })).toEqual([1, -1, 0, null, 0]);
  });

  it("count costs row by row: an unknown one is no trade, and as none where no costs are known", () => {
    expect(signals(rule, { p, costs: Float64Array.of(0.006, Number.NaN, Number.NaN, 0.001, 0) })).toEqual([
      null,
      null,
      null,
      1,
      0,
    ]);
    expect(signals(rule, { p }).slice(0, 2)).toEqual([1, -1]);
    expect(signals(rule, { p, costs: null })).toEqual(signals(rule, { p }));
  });

  it("that equal the cost do not pay", () => {
    const even = Float64Array.of(0, 0.5, 0.5);
    expect(signals(rule, { p: even, costs: Float64Array.of(0.01) })).toEqual([0]);
    expect(signals(rule, { p: even, costs: Float64Array.of(0.0099) })).toEqual([1]);
  });

  it("go long though short is likelier, where long is worth more", () => {
    expect(signals(rule, { p: Float64Array.of(0.5, 0.1, 0.4), costs: Float64Array.of(0.002) })).toEqual([1]);
  });

  it("need the mean return of every class that is possible", () => {
    const lacking: SignalRule = { rule: "expected_value", classReturns: [-0.01, 0, null] };
    const rows = Float64Array.of(0.8, 0.1, 0.1, 0.8, 0.2, 0);
    expect(signals(lacking, { p: rows, costs: Float64Array.of(0, 0) })).toEqual([null, -1]);
  });
});

describe("mean returns of the classes", () => {
  it("pass over rows whose return is unknown, and are null for a class that is missing", () => {
    const y = Int8Array.of(-1, -1, 0, 0, -1);
    const returns = Float32Array.of(-0.5, -0.25, 0.125, Number.NaN, -0.75);
    expect(classReturns(y, returns)).toEqual([-0.5, 0.125, null]);
  });

  it("are those that signals earn: on rows that follow the probabilities, E is the mean return", () => {
    // Of 10 rows with p = (0.2, 0.3, 0.5) there are 2, 3 and 5 of the classes.
    const y = Int8Array.of(-1, -1, 0, 0, 0, 1, 1, 1, 1, 1);
    const returns = Float64Array.of(-0.02, -0.01, 0.001, -0.001, 0.003, 0.01, 0.02, 0.01, 0.02, 0.03);
    const mean = returns.reduce((sum, r) => sum + r, 0) / 10;
    expect(expectedReturns(classReturns(y, returns), Float64Array.of(0.2, 0.3, 0.5))[0]).toBeCloseTo(mean, 12);
  });
});

describe("signals by probability", () => {
  it("are the likeliest class where it is likely enough, the threshold included", () => {
    const p = Float64Array.of(0.75, 0.125, 0.125, 0.25, 0.25, 0.5, 0.0625, 0.9375, 0, 0.25, 0.375, 0.375);
    expect(signals({ rule: "probability", threshold: 0.5 }, { p })).toEqual([-1, 1, 0, null]);
  });
});

describe("signals by set size", () => {
  it("are the class of a set of one; none and several are no trade", () => {
    const p = new Float64Array(18).fill(1 / 3);
    const sets = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1);
    expect(signals({ rule: "set_size" }, { p, sets })).toEqual([-1, 0, 1, null, null, null]);
  });
});

describe("refused, with a remedy", () => {
  const p = Float64Array.of(0.2, 0.3, 0.5);
  const byReturns = (returns: number[]): SignalRule => ({
    rule: "expected_value",
    classReturns: returns as ClassReturns,
  });
  it.each([
    ["an unknown rule", "usage.signal_rule", () => signalOf({ rule: "luck" } as unknown as SignalRule, { p })],
    ["a threshold of 0", "usage.signal_threshold", () => signalOf({ rule: "probability", threshold: 0 }, { p })],
    ["a threshold in percent", "usage.signal_threshold", () => signalOf({ rule: "probability", threshold: 50 }, { p })],
    ["no sets", "usage.signal_sets", () => signalOf({ rule: "set_size" }, { p })],
    ["sets of other rows", "data.shape_mismatch", () => signalOf({ rule: "set_size" }, { p, sets: new Uint8Array(6) })],
    ["a mean return that is none", "usage.signal_returns", () => signalOf(byReturns([0.1, Number.NaN, 0]), { p })],
    ["two mean returns", "usage.signal_returns", () => signalOf(byReturns([0.1, 0]), { p })],
    ["a cost below 0", "data.bad_cost", () => signalOf(byReturns([-1, 0, 1]), { p, costs: Float64Array.of(-0.1) })],
    [
      "costs of other rows",
      "data.shape_mismatch",
      () => signalOf(byReturns([-1, 0, 1]), { p, costs: new Float64Array(2) }),
    ],
    ["no rows", "data.no_rows", () => signalOf(byReturns([-1, 0, 1]), { p: new Float64Array() })],
    [
      "answers that are none",
      "data.bad_probabilities",
      () => signalOf({ rule: "set_size" }, { p: Float64Array.of(1, 1, 1), sets: new Uint8Array(3) }),
    ],
    ["returns of other rows", "data.shape_mismatch", () => classReturns(Int8Array.of(1), new Float64Array(2))],
    ["labels that are none", "data.bad_label", () => classReturns(Int8Array.of(5), new Float64Array(1))],
  ] as const)("%s: %s", (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code, remedy: expect.stringMatching(/.{20}/) }));
  });

  it("no trade is the same int8 as a missing label, null in JSON", () => {
    expect([NO_TRADE, tradeOrNull(NO_TRADE), tradeOrNull(0)]).toEqual([-128, null, 0]);
  });
});
