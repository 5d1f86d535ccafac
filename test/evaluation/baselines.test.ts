import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareModels,
  lastKnownLabels,
  pastReturnSigns,
  sharesByState,
  stateHit,
  stateLoss,
  UNKNOWN_STATE,
} from "../../src/evaluation/index.js";
import { exitRows } from "../../src/labels/index.js";
import { NO_LABEL } from "../../src/types/index.js";

/** Irregular stamps, labels of any length, some of them missing. */
const market = fc
  .array(
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(-1, 0, 1, NO_LABEL), fc.integer({ min: 1, max: 60 })),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((rows) => {
    let now = 0;
    const timestamps = Float64Array.from(rows, ([step]) => {
      now += step;
      return now;
    });
    const labels = Int8Array.from(rows, ([, label]) => label);
    const ends = Float64Array.from(rows, ([, label, length], i) =>
      label === NO_LABEL ? Number.NaN : timestamps[i]! + length,
    );
    return { timestamps, labels, ends };
  });

type Market = { timestamps: Float64Array; labels: Int8Array; ends: Float64Array };
const known = ({ timestamps, labels, ends }: Market): Int8Array => lastKnownLabels(labels, exitRows(timestamps, ends));

describe("the last label already known", () => {
  it("is that of the latest row whose label ends at the row's stamp or before", () => {
    fc.assert(
      fc.property(market, (rows) => {
        const expected = Int8Array.from(rows.timestamps, (now) => {
          const s = rows.ends.findLastIndex((end) => end <= now);
          return s < 0 ? UNKNOWN_STATE : rows.labels[s]!;
        });
        expect(known(rows)).toEqual(expected);
      }),
    );
  });

  it("never depends on a label that ends after the row", () => {
    fc.assert(
      fc.property(market, fc.nat(), (rows, at) => {
        const t = at % rows.timestamps.length;
        const changed = rows.labels.map((label, s) =>
          label !== NO_LABEL && rows.ends[s]! > rows.timestamps[t]! ? -label || 1 : label,
        );
        expect(known({ ...rows, labels: changed }).subarray(0, t + 1)).toEqual(known(rows).subarray(0, t + 1));
      }),
    );
  });
});

describe("the sign of the past return", () => {
  const prices = Float64Array.of(10, 11, 12, 11, 10, 10, Number.NaN, 9);
  const piece = Int32Array.of(0, 0, 0, 0, 0, 0, 0, 0);
  const U = UNKNOWN_STATE;

  it("is taken between prices that were known at the row", () => {
    expect([...pastReturnSigns(prices, piece, { horizon: 2, lag: 0 })]).toEqual([U, U, 1, 0, -1, -1, U, -1]);
    expect([...pastReturnSigns(prices, piece, { horizon: 2, lag: 1 })]).toEqual([U, U, U, 1, 0, -1, -1, U]);
  });

  it("does not reach into another piece", () => {
    const two = Int32Array.of(0, 0, 0, 1, 1, 1, 1, 1);
    expect([...pastReturnSigns(prices, two, { horizon: 2, lag: 0 })]).toEqual([U, U, 1, U, U, -1, U, -1]);
  });
});

describe("class shares by state", () => {
  const states = Int8Array.of(1, 1, 1, 1, -1, -1, UNKNOWN_STATE);
  const y = Int8Array.of(1, 1, 1, 0, -1, 1, 0);
  const prior: [number, number, number] = [1 / 7, 2 / 7, 4 / 7];
  const shares = sharesByState(states, y, prior);

  it("are those of the training rows in the state, drawn to the prior by ten rows of it", () => {
    const expected = [10 / 7 / 14, (1 + 20 / 7) / 14, (3 + 40 / 7) / 14];
    expect(shares[2]).toEqual(expected.map((share) => expect.closeTo(share, 12)));
    expect(shares[1]).toEqual(prior.map((share) => expect.closeTo(share, 12)));
    expect(shares[3]).toEqual(prior);
    for (const each of shares) expect(each[0] + each[1] + each[2]).toBeCloseTo(1, 12);
  });

  it("give a loss, and a guess that is the state itself or else the most frequent class", () => {
    expect(stateLoss(shares, 1, -1)).toBeCloseTo(-Math.log(10 / 7 / 14), 12);
    expect([stateHit(shares, -1, -1), stateHit(shares, -1, 1)]).toEqual([true, false]);
    expect([stateHit(shares, UNKNOWN_STATE, 1), stateHit(shares, UNKNOWN_STATE, 0)]).toEqual([true, false]);
  });

  it("of a class that the training rows lack cost as much as the prior's, and stay finite", () => {
    const lacking = sharesByState(Int8Array.of(1, 1), Int8Array.of(0, 1), [0, 0.5, 0.5]);
    expect(stateLoss(lacking, 1, -1)).toBeCloseTo(-Math.log(1e-15), 9);
  });
});

describe("two models on the same rows", () => {
  const durations = new Int32Array(400).fill(3);
  const loss = Float64Array.from({ length: 400 }, (_, i) => 1 + 0.3 * Math.sin(i * i));

  it("differ by the mean of their rows' differences, with an interval around it", () => {
    const other = loss.map((value, i) => value + (i % 2 === 0 ? 0.03 : 0.01));
    const found = compareModels(loss, other, { durations, seed: 7 });
    expect(found.difference).toBeCloseTo(-0.02, 12);
    expect(found.interval.lower).toBeLessThan(-0.019);
    expect(found).toMatchObject({ verdict: "YES", bootstrap: { block: 9, blocks: 44 } });
    const turned = compareModels(other, loss, { durations, seed: 7 });
    expect(turned.verdict).toBe("NO");
    expect(turned.difference).toBeCloseTo(0.02, 12);
  });

  it("that are the same do not differ", () => {
    expect(compareModels(loss, loss, { durations, seed: 7 })).toMatchObject({
      difference: 0,
      interval: { lower: 0, upper: 0 },
      verdict: "NOT SHOWN",
    });
  });
});
