import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backtest, evaluateTrading, roundTripCosts, type TradableRows } from "../../src/evaluation/index.js";
import { FoldwiseError } from "../../src/types/index.js";

/** Probabilities whose likeliest class is the answer. */
const sure = (answers: readonly number[]): Float64Array => {
  const p = new Float64Array(3 * answers.length).fill(0.1);
  answers.forEach((answer, i) => {
    p[3 * i + answer + 1] = 0.8;
  });
  return p;
};

/** Rows at 1, 2, 3 …; two of them a session. */
function rows(returns: readonly number[], lengths: readonly number[], cost: number | null = null): TradableRows {
  const timestamps = Float64Array.from(returns, (_, i) => i + 1);
  const labelEnds = timestamps.map((t, i) => t + lengths[i]!);
  const session = (times: Float64Array): Int32Array => Int32Array.from(times, (t) => Math.floor((t - 1) / 2));
  const exit = session(labelEnds);
  return {
    timestamps,
    labelEnds,
    returns: Float64Array.from(returns),
    costs: cost === null ? null : new Float64Array(returns.length).fill(cost),
    sessions: { entry: session(timestamps), exit, count: Math.max(...exit) + 1, perYear: 252 },
  };
}

describe("a backtest of one position at a time", () => {
  //                     entered at 1, left at 4   passed over   entered at 4, left at 5   at 5: neutral   at 6
  const market = rows([0.02, 0.5, 0.5, 0.01, 0.3, -0.04], [3, 1, 1, 1, 1, 2], 0.001);
  const answers = sure([1, 1, 1, -1, 0, -1]);
  const { figures, sessionResults } = backtest(market, answers);

  it("enters while flat, leaves at the label's end, and enters again at that moment", () => {
    expect(figures.trades).toBe(3);
    expect(figures.totalGross).toBeCloseTo(0.02 - 0.01 + 0.04, 12);
    expect(figures.totalNet).toBeCloseTo(0.05 - 0.003, 12);
    expect(figures.meanGross).toBeCloseTo(0.05 / 3, 12);
    expect(figures.hitRate).toBeCloseTo(2 / 3, 12);
  });

  it("books a result in the session of its exit, and nothing in those without one", () => {
    expect([...sessionResults]).toEqual([0, 0.019, -0.011, 0.039].map((value) => expect.closeTo(value, 12)));
    expect(figures.turnover).toBe(3 / 4);
    expect(figures.maxDrawdown).toBeCloseTo(0.011, 12);
  });

  it("holds a position on the rows after its entry up to its exit", () => {
    expect(figures.exposure).toBe(4 / 6);
  });

  it("has a Sharpe ratio of its sessions, by the year", () => {
    const mean = 0.047 / 4;
    const variance = [0, 0.019, -0.011, 0.039].reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3;
    expect(figures.sharpe).toBeCloseTo((mean / Math.sqrt(variance)) * Math.sqrt(252), 10);
  });

  it("gains by a short position what a long one loses", () => {
    const gross = rows([0.02, 0.01], [1, 1]);
    expect(backtest(gross, sure([-1, -1])).figures.totalGross).toBeCloseTo(-0.03, 12);
    expect(backtest(gross, sure([-1, -1])).figures).toMatchObject({ totalNet: null, meanNet: null });
  });

  it("that never trades has no rates and no Sharpe ratio, but a result of nothing", () => {
    expect(backtest(market, sure([0, 0, 0, 0, 0, 0])).figures).toEqual({
      trades: 0,
      turnover: 0,
      exposure: 0,
      hitRate: null,
      meanGross: null,
      meanNet: null,
      totalGross: 0,
      totalNet: 0,
      sharpe: null,
      skew: null,
      kurtosis: null,
      maxDrawdown: 0,
    });
    const never = evaluateTrading(market, [sure([0, 0, 0, 0, 0, 0])], { seed: 7 });
    expect([never.sessionInterval, never.mean.sharpe]).toEqual([null, null]);
  });

  it("enters no row whose return or cost is not known", () => {
    const unknown = { ...market, returns: Float64Array.of(Number.NaN, 0.5, 0.5, 0.01, 0.3, -0.04) };
    expect(backtest(unknown, answers).figures.totalGross).toBeCloseTo(0.5 + 0.5 - 0.01 + 0.04, 12);
    const priceless = { ...market, costs: Float64Array.of(Number.NaN, 0, 0, 0, 0, 0) };
    expect(backtest(priceless, answers).figures.totalGross).toBeCloseTo(0.5 + 0.5 - 0.01 + 0.04, 12);
  });

  it("refuses answers of other rows", () => {
    expect(() => backtest(market, sure([1, 1]))).toThrow(FoldwiseError);
  });

  it("holds no two positions at once, and misses no entry while flat", () => {
    const length = 40;
    const drawn = fc.record({
      answers: fc.array(fc.constantFrom(-1, 0, 1), { minLength: length, maxLength: length }),
      lengths: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: length, maxLength: length }),
    });
    fc.assert(
      fc.property(drawn, ({ answers, lengths }) => {
        // Each row has a return that tells which rows were entered: sums of different powers of two are different.
        const returns = Array.from({ length }, (_, i) => 2 ** i);
        const entered: number[] = [];
        for (let t = 0; t < length; t++) {
          const last = entered.at(-1);
          if ((last === undefined || t >= last + lengths[last]!) && answers[t] !== 0) entered.push(t);
        }
        const { figures } = backtest(rows(returns, lengths), sure(answers));
        expect(figures.trades).toBe(entered.length);
        expect(figures.totalGross).toBe(entered.reduce((sum, t) => sum + answers[t]! * 2 ** t, 0));
      }),
    );
  });
});

describe("several backtests of one market", () => {
  const market = rows([0.02, 0.01, -0.03, 0.02], [1, 1, 1, 1], 0);
  it("are reported each, and as means of those that have a figure", () => {
    const both = evaluateTrading(market, [sure([1, 1, 1, 1]), sure([0, 0, 0, 0])], { seed: 7 });
    expect(both.repeats.map(({ trades }) => trades)).toEqual([4, 0]);
    expect(both.mean).toMatchObject({ trades: 2, hitRate: 0.75, sharpe: both.repeats[0]!.sharpe });
    expect(both.mean.totalGross).toBeCloseTo(0.01, 12);
    expect([...both.sessionResults]).toEqual([0.01, -0.01, 0.01].map((value) => expect.closeTo(value, 12)));
    expect(both.sessionInterval!.lower).toBeLessThan(both.sessionInterval!.upper);
  });
});

describe("costs as returns", () => {
  const MES = { tickSize: 0.25, tickValue: 1.25, commission: 0.62, slippageTicks: 1 };
  it("are two sides of commission and slippage over the contract's worth", () => {
    expect([...roundTripCosts(MES, Float64Array.of(5000, 0, -3, Number.NaN))]).toEqual([
      expect.closeTo(3.74 / 25_000, 15),
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });

  it("are unknown where the price is so small that they have no size", () => {
    expect([...roundTripCosts(MES, Float64Array.of(1e-310, 1e-300, 1e-30))]).toEqual([
      Number.NaN,
      Number.NaN,
      expect.closeTo(0.748 * 1e30, -20),
    ]);
  });
});
