import { shared } from "../scope.js";
import { Window } from "../window.js";

/** Flat prices: the spread of ln(close) is rounding. */
const FLAT = 1e-20;

/** Least squares through ln(close) of the last n bars: slope a bar, and R². */
export const linearFit = shared((n) => {
  const logs = new Window(n);
  const centre = (n - 1) / 2;
  const spreadX = (n * (n * n - 1)) / 12;
  return (bar) => {
    logs.push(Math.log(bar.close));
    const mean = logs.mean();
    let cross = 0;
    let spreadY = 0;
    for (let k = 0; k < n; k++) {
      const y = logs.ago(k) - mean;
      cross += (centre - k) * y;
      spreadY += y * y;
    }
    const slope = cross / spreadX;
    return { slope, r2: spreadY > FLAT * n ? (slope * cross) / spreadY : 0 };
  };
});
