import { combinatorialPurged, purgedKFold, type SplitInput } from "../../src/validation/index.js";
import { type Figure, inSeconds } from "../lib/figure.js";
import { median } from "../lib/pairs.js";

const [ROWS, BAR, HORIZON, EMBARGO] = [1_000_000, 300_000_000, 20, 1440];

/** A million five-minute bars: ten purged folds, and all 45 splits of CPCV, every index array made. */
export function splittingFigures(pairs: number): Figure[] {
  const input = millionRows();
  const figure = (name: string, target: number, split: () => unknown[]): Figure => {
    split();
    const times = Array.from({ length: pairs }, () => {
      const start = performance.now();
      split();
      return (performance.now() - start) / 1000;
    });
    const time = median(times);
    return {
      figure: name,
      ours: inSeconds(time),
      reference: "",
      measured: inSeconds(time),
      target: `≤ ${target} s`,
      met: time <= target,
    };
  };
  return [
    figure("1 000 000 rows, 10 purged folds", 0.5, () => purgedKFold(input, 10)),
    figure("1 000 000 rows, CPCV 10 choose 2", 3, () => [...combinatorialPurged(input, { groups: 10, testGroups: 2 })]),
  ];
}

/** Labels end after 1 to H bars, as triple barriers do. */
function millionRows(): SplitInput {
  const timestamps = Float64Array.from({ length: ROWS }, (_, i) => i * BAR);
  const ends = timestamps.map((time, i) => time + (1 + ((i * 7919) % HORIZON)) * BAR);
  return { timestamps, ends, rows: Int32Array.from({ length: ROWS }, (_, i) => i), embargo: EMBARGO };
}
