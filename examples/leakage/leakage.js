/**
 * How many training rows know a tested label, by which tool's rule, and what a model that has nothing to learn makes of it.
 * docs/guides/LEAKAGE_GUIDE.md tells where each rule was read and shows what this prints:
 *
 *   node examples/leakage/leakage.js
 */
import { combinatorialPurged, purgedKFold, stopSlice, walkForward } from "foldwise";

const ROWS = 1000;
const FOLDS = 5;
const HORIZONS = [5, 10, 15, 20];

/** Numbers in [0, 1): the same on every machine. */
function lcg(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Row t is known at time t, its label at `ends[t]`. */
function labels(lengthOf) {
  const timestamps = Float64Array.from({ length: ROWS }, (_, t) => t);
  return { timestamps, ends: timestamps.map((t) => t + lengthOf()) };
}

const range = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const blocks = (n, k) => range(0, k).map((i) => [Math.floor((i * n) / k), Math.floor(((i + 1) * n) / k)]);
const complement = (test) => range(0, ROWS).filter((t) => t < test[0] || t > test.at(-1));

/** Training rows whose interval [t, end] meets that of a tested row: every pair is looked at. */
function leaking({ ends }, splits) {
  let count = 0;
  for (const { train, test } of splits) {
    for (const a of train) if (test.some((b) => a <= ends[b] && b <= ends[a])) count += 1;
  }
  return count;
}

function shuffledKFold() {
  const random = lcg(7);
  const order = range(0, ROWS);
  for (let i = ROWS - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return blocks(ROWS, FOLDS).map(([a, b]) => ({
    train: [...order.slice(0, a), ...order.slice(b)],
    test: order.slice(a, b),
  }));
}

const kFold = () => blocks(ROWS, FOLDS).map(([a, b]) => ({ train: complement(range(a, b)), test: range(a, b) }));

/** The last blocks, each behind all rows before it, `gap` of them left out. */
function timeSeriesSplit(gap) {
  const size = Math.floor(ROWS / (FOLDS + 1));
  return range(0, FOLDS).map((i) => {
    const start = ROWS - (FOLDS - i) * size;
    return { train: range(0, start - gap), test: range(start, start + size) };
  });
}

/** Purges what meets [from(first row), to(last row)] of each fold, as three conditions on starts and ends. */
function purgedBetween({ ends }, from, to) {
  return blocks(ROWS, FOLDS).map(([a, b]) => {
    const [start, end] = [from(a), to(b - 1)];
    const met = (t) =>
      (start <= t && t <= end) || (start <= ends[t] && ends[t] <= end) || (t <= start && end <= ends[t]);
    return { train: range(0, ROWS).filter((t) => !met(t)), test: range(a, b) };
  });
}

/** Every two of the folds are tested; `purged` rows go on both sides of each, counted, whatever the labels. */
function twoOfFolds(purged) {
  const folds = blocks(ROWS, FOLDS);
  return folds.flatMap((first, i) =>
    folds.slice(i + 1).map((second) => {
      const near = (t) => [first, second].some(([a, b]) => t >= a - purged && t < b + purged);
      return { train: range(0, ROWS).filter((t) => !near(t)), test: [...range(...first), ...range(...second)] };
    }),
  );
}

/** Neighbouring parts: what is fitted, then what it is stopped or judged by. */
const parts = (...borders) =>
  borders.slice(1).map((end, i) => ({
    train: range(borders[i - 1] ?? 0, borders[i]),
    test: range(borders[i], end),
  }));

const input = ({ timestamps, ends }, embargo = 0) => ({
  timestamps,
  ends,
  rows: Int32Array.from(range(0, ROWS)),
  embargo,
});

/** The last 15 % of a walk-forward's training rows, which end the training early. */
const unpurgedStop = () =>
  timeSeriesSplit(0).map(({ train }) => {
    const first = train.length - Math.ceil(0.15 * train.length);
    return { train: train.slice(0, first), test: train.slice(first) };
  });
const purgedStop = (data) =>
  walkForward(input(data), { steps: { by: "folds", folds: FOLDS }, window: "expanding" }).map(({ train }) => {
    const { fit, stop } = stopSlice(input(data), train);
    return { train: fit, test: stop };
  });

const RULES = [
  ["shuffled k-fold", () => shuffledKFold()],
  ["scikit-learn KFold(5)", () => kFold()],
  ["scikit-learn TimeSeriesSplit(5)", () => timeSeriesSplit(0)],
  ["scikit-learn TimeSeriesSplit(5, gap=H)", (_, H) => timeSeriesSplit(H)],
  [
    "mlfinlab, mlfinpy PurgedKFold(5)",
    (d) =>
      purgedBetween(
        d,
        (t) => d.ends[t],
        (t) => d.ends[t],
      ),
  ],
  [
    "RiskLabAI PurgedKFold(5)",
    (d) =>
      purgedBetween(
        d,
        (t) => t,
        (t) => d.ends[t],
      ),
  ],
  ["skfolio CombinatorialPurgedCV(5, 2)", () => twoOfFolds(0)],
  ["skfolio …(5, 2, purged_size=H)", (_, H) => twoOfFolds(H)],
  ["FreqAI train, test", () => parts(670, ROWS)],
  ["Qlib train, valid, test", () => parts(600, 800, ROWS)],
  ["stopping slice, not purged", () => unpurgedStop()],
  ["Foldwise k-fold", (d) => purgedKFold(input(d), FOLDS)],
  ["Foldwise CPCV, 5 choose 2", (d) => [...combinatorialPurged(input(d), { groups: FOLDS, testGroups: 2 })]],
  ["Foldwise walk-forward, its stopping slice", (d) => purgedStop(d)],
];

console.log(`Training rows that know a tested label, of ${ROWS} rows, over all splits\n`);
const random = lcg(1);
const cases = [
  ...HORIZONS.map((H) => [`H = ${H}`, H, labels(() => H)]),
  ["1 to 20", 20, labels(() => 1 + Math.floor(random() * 20))],
];
console.log(`${"".padEnd(42)}${cases.map(([name]) => name.padStart(8)).join("")}`);
for (const [name, splits] of RULES) {
  const counts = cases.map(([, H, data]) => leaking(data, splits(data, H)));
  console.log(`${name.padEnd(42)}${counts.map((count) => String(count).padStart(8)).join("")}`);
}

/** Ten random walks, and terciles of the next 20 moves of an eleventh: there is nothing to learn. */
function noise(seed, horizon) {
  const next = lcg(seed);
  const normal = () => range(0, 12).reduce((sum) => sum + next(), -6);
  const walk = () => {
    let level = 0;
    return range(0, ROWS + horizon).map(() => (level += normal()));
  };
  const features = range(0, 10).map(walk);
  const price = walk();
  const moves = range(0, ROWS).map((t) => price[t + horizon] - price[t]);
  const ranked = [...moves].sort((a, b) => a - b);
  const [low, high] = [ranked[Math.floor(ROWS / 3)], ranked[Math.floor((2 * ROWS) / 3)]];
  return { features, y: moves.map((move) => (move < low ? -1 : move < high ? 0 : 1)) };
}

/** Share of tested rows whose nearest training row has their label. */
function nearestNeighbour({ features, y }, splits) {
  let [right, asked] = [0, 0];
  for (const { train, test } of splits) {
    for (const row of test) {
      let [best, nearest] = [Number.POSITIVE_INFINITY, -1];
      for (const other of train) {
        let distance = 0;
        for (const values of features) distance += (values[row] - values[other]) ** 2;
        if (distance < best) [best, nearest] = [distance, other];
      }
      right += y[nearest] === y[row] ? 1 : 0;
      asked += 1;
    }
  }
  return right / asked;
}

console.log("\nA nearest neighbour on labels of pure noise, H = 20: share of right answers (chance: 0.33)\n");
const data = labels(() => 20);
const seeds = [1, 2, 3, 4, 5];
for (const [name, splits] of [
  ["shuffled k-fold", shuffledKFold()],
  ["scikit-learn KFold(5)", kFold()],
  ["Foldwise k-fold, embargo 59", purgedKFold(input(data, 59), FOLDS)],
]) {
  const shares = seeds.map((seed) => nearestNeighbour(noise(seed, 20), splits));
  console.log(
    `${name.padEnd(42)}${(shares.reduce((sum, share) => sum + share, 0) / seeds.length).toFixed(2).padStart(8)}`,
  );
}
