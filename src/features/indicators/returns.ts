import { type Indicator, perPeriod, single } from "../indicator.js";
import { ROUNDING, ratio } from "../window.js";
import { closeWindow, lastClose, returnDeviation, returnWindow } from "./common.js";

export const RETURNS: Indicator[] = [
  perPeriod({
    id: "log_return",
    group: "returns",
    description: "Log return over the last n bars.",
    base: [1, 2, 3, 5, 10, 20, 60],
    higher: [1, 3, 6],
    min: 1,
    formula: (n) => (n === 1 ? "ln(close / close 1 bar ago)" : `ln(close / close ${n} bars ago)`),
    lookback: (n) => n + 1,
    create(n, scope) {
      const closes = closeWindow(scope, n + 1);
      return { push: (bar) => Math.log(bar.close / closes(bar).oldest) };
    },
  }),
  perPeriod({
    id: "lagged_return",
    group: "returns",
    description: "The one-bar log return of n bars ago.",
    base: [1, 2, 3],
    higher: [],
    min: 1,
    formula: (n) => `log_return_1 of ${n === 1 ? "1 bar" : `${n} bars`} ago`,
    lookback: (n) => n + 2,
    create(n, scope) {
      const returns = returnWindow(scope, n + 1);
      return { push: (bar) => returns(bar).oldest };
    },
  }),
  perPeriod({
    id: "return_zscore",
    group: "returns",
    description: "The one-bar log return in standard deviations of the last n.",
    base: [20],
    higher: [],
    min: 3,
    formula: (n) => `(log_return_1 − mean) / standard deviation, both over ${n} bars; 0 where the deviation is 0`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const window = returnWindow(scope, n);
      const deviation = returnDeviation(scope, n);
      return {
        push(bar) {
          const returns = window(bar);
          return ratio(returns.newest - returns.mean(), deviation(bar), 0, ROUNDING);
        },
      };
    },
  }),
  single({
    id: "gap_return",
    group: "returns",
    description: "Log return from the last close to this open.",
    higher: false,
    formula: "ln(open / close 1 bar ago)",
    lookback: 2,
    create(scope) {
      const before = lastClose(scope);
      return { push: (bar) => Math.log(bar.open / before(bar)) };
    },
  }),
];
