import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hardVote, likeliest, softVote } from "../../../src/evaluation/index.js";
import { base, lossOf, refusal } from "./market.js";

const a = base("a", [
  [0.5, 0.3, 0.2],
  [0.2, 0.2, 0.6],
]);
const b = base("b", [
  [0.1, 0.6, 0.3],
  [0.3, 0.3, 0.4],
]);
const c = base("c", [
  [0.6, 0.2, 0.2],
  [0, 0, 1],
]);
const close = (values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 12));

describe("softVote", () => {
  it("is the mean of the probabilities, weighted where weights are given, on any scale", () => {
    expect([...softVote([a, b])]).toEqual(close([0.3, 0.45, 0.25, 0.25, 0.25, 0.5]));
    for (const weights of [
      [0.75, 0.25],
      [300, 100],
    ]) {
      expect([...softVote([a, b], weights)]).toEqual(close([0.4, 0.375, 0.225, 0.225, 0.225, 0.55]));
    }
    expect([...softVote([a, b, c], [0, 1, 0])]).toEqual(close([...b.p]));
  });

  it("sums to 1 also where float32 bases do not quite", () => {
    const p = Float32Array.of(0.33333, 0.33333, 0.33333);
    const [x, y, z] = softVote([
      { name: "a", p },
      { name: "b", p: Float32Array.of(0.2, 0.2, 0.60005) },
    ]);
    expect(x! + y! + z!).toBeCloseTo(1, 15);
  });
});

describe("hardVote", () => {
  it("gives smoothed shares of the votes", () => {
    // Votes of the first row: short, neutral, short; of the second: long three times.
    expect([...hardVote([a, b, c])]).toEqual(close([3 / 6, 2 / 6, 1 / 6, 1 / 6, 1 / 6, 4 / 6]));
    // Weights ½, ¼, ¼ are worth 1 / (¼ + ⅛) = 8/3 votes.
    expect([...hardVote([a, b, c], [2, 1, 1])].slice(0, 3)).toEqual(close([9 / 17, 5 / 17, 3 / 17]));
    expect(hardVote([a, b, c], [1, 1, 0])).toEqual(hardVote([a, b]));
  });

  it("costs a finite loss where all bases are sure and wrong", () => {
    const sure = ["a", "b", "c", "d"].map((name) => base(name, [[1, 0, 0]]));
    expect(lossOf(Int8Array.of(1), hardVote(sure))).toBeCloseTo(Math.log(7), 12);
  });

  it("sums to 1, and its likeliest class is the one with the largest share of the weights", () => {
    const votes = fc.array(fc.record({ vote: fc.nat(2), weight: fc.double({ min: 0.01, max: 10, noNaN: true }) }), {
      minLength: 2,
      maxLength: 8,
    });
    fc.assert(
      fc.property(votes, (each) => {
        const bases = each.map(({ vote }, i) => base(`${i}`, [[+(vote === 0), +(vote === 1), +(vote === 2)]]));
        const p = hardVote(
          bases,
          each.map(({ weight }) => weight),
        );
        const shares = [0, 0, 0];
        for (const { vote, weight } of each) shares[vote]! += weight;
        expect(p[0]! + p[1]! + p[2]!).toBeCloseTo(1, 12);
        expect(shares[likeliest(p, 0)]).toBeCloseTo(Math.max(...shares), 12);
      }),
    );
  });
});

it("bases and weights that cannot vote are refused, with a remedy", () => {
  for (const vote of [softVote, hardVote]) {
    expect(refusal(() => vote([]))).toBe("config.too_few_bases");
    expect(refusal(() => vote([a]))).toBe("config.too_few_bases");
    expect(refusal(() => vote([a, b, { ...c, name: "a" }]))).toBe("config.duplicate_base");
    expect(refusal(() => vote([a, base("short", [[1, 0, 0]])]))).toBe("data.shape_mismatch");
    const uneven = { p: Float64Array.of(0.5, 0.5) };
    expect(refusal(() => vote(["a", "b"].map((name) => ({ name, ...uneven }))))).toBe("data.shape_mismatch");
    expect(refusal(() => vote([base("a", []), base("b", [])]))).toBe("data.no_rows");
    for (const bad of [Number.NaN, -0.1, 0.7]) {
      expect(
        refusal(() =>
          vote([
            a,
            base("bad", [
              [0.2, 0.2, 0.6],
              [bad, 0.4, 0.4],
            ]),
          ]),
        ),
      ).toBe("data.bad_probabilities");
    }
    for (const weights of [[0, 0], [1, -1], [1, Number.NaN], [1, Number.POSITIVE_INFINITY], [1], [1, 1, 1]]) {
      expect(refusal(() => vote([a, b], weights))).toBe("config.bad_weights");
    }
  }
  expect(() =>
    softVote([
      a,
      base("bad", [
        [0.2, 0.2, 0.6],
        [Number.NaN, 0.4, 0.4],
      ]),
    ]),
  ).toThrow("Row 1 of bad has");
});
