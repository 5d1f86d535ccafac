import {
  adaptiveSets,
  adaptiveStart,
  CONFORMAL_KINDS,
  type ConformalKind,
  fitConformal,
  predictionSets,
} from "../../src/evaluation/index.js";
import { CLASSES, seededRandom } from "../../src/types/index.js";
import { meanOf } from "../lib/blocks.js";
import type { Figure } from "../lib/figure.js";
import { coverageOf, type ModelRows, modelRows } from "../lib/modelRows.js";

const LEVEL = 0.9;
/** The mean over the seeds is to lie between them. */
const [LEAST, MOST] = [0.895, 0.905];
/** To calibrate on, and as many to be covered. */
const ROWS = 10_000;
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
/** Labels of the drifting series are known after 1 to so many rows. */
const LONGEST_LABEL = 20;

/** Share of rows whose prediction set holds their class, where 90 % are promised; means of 20 seeds. */
export function coverageFigures(): Figure[] {
  return [...CONFORMAL_KINDS.map(exchangeable), ...drifting()];
}

/** An over-confident model; the rows to be covered are like those of calibration. */
function exchangeable(kind: ConformalKind): Figure {
  const runs = SEEDS.map((seed) => {
    const { seen, fresh } = halves(modelRows(2 * ROWS, { seed, spread: 2, truth: 0.5 }));
    return { y: fresh.y, sets: predictionSets(fitConformal(seen.y, seen.p, { level: LEVEL, kind }), fresh.p) };
  });
  const overall = runs.map(({ y, sets }) => coverageOf(y, sets));
  const ofClass = CLASSES.map((label) => meanOf(runs.map(({ y, sets }) => coverageOfClass(y, sets, label))));
  const promised = kind === "plain" ? [meanOf(overall)] : ofClass;
  return {
    figure: `${kind} sets, exchangeable rows${kind === "plain" ? "" : ", classes −1, 0, 1"}`,
    ours:
      kind === "plain"
        ? `${percent(meanOf(overall))}, seeds ${percent(Math.min(...overall))} to ${percent(Math.max(...overall))}`
        : ofClass.map(percent).join(", "),
    reference: `${percent(LEVEL)} promised`,
    measured: promised.map(percent).join(", "),
    target: `${percent(LEAST)} to ${percent(MOST)}`,
    met: promised.every((share) => share >= LEAST && share <= MOST),
  };
}

/** What the model takes for a signal turns slowly into its opposite behind the calibration rows. */
function drifting(): Figure[] {
  const turning = (row: number): number => 1 - 2 * Math.max(0, row / ROWS - 1);
  const runs = SEEDS.map((seed) => {
    const rows = modelRows(2 * ROWS, { seed, spread: 1.5, truth: turning });
    const { seen, fresh } = halves(rows);
    const plain = predictionSets(fitConformal(seen.y, seen.p, { level: LEVEL, kind: "plain" }), fresh.p);
    const random = seededRandom(seed + 1000);
    const timestamps = Float64Array.from({ length: 2 * ROWS }, (_, i) => i);
    const labelEnds = timestamps.map((time) => time + 1 + random.int(LONGEST_LABEL));
    const { sets } = adaptiveSets(adaptiveStart({ level: LEVEL }), { timestamps, labelEnds, ...rows });
    return { y: fresh.y, plain, adaptive: sets.slice(3 * ROWS) };
  });
  const over = (name: "plain" | "adaptive", from: number): string =>
    percent(meanOf(runs.map((run) => coverageOf(run.y.slice(from), run[name].slice(3 * from)))));
  const fifth = 0.8 * ROWS;
  return (["plain", "adaptive"] as const).map((name) => ({
    figure: `${name} sets, a signal that turns into its opposite, labels known after 1 to ${LONGEST_LABEL} rows`,
    ours: `${over(name, 0)}, last fifth ${over(name, fifth)}`,
    reference: `${percent(LEVEL)} promised`,
    measured: over(name, 0),
    target: "—",
    met: true,
  }));
}

function halves({ y, p }: ModelRows): { seen: ModelRows; fresh: ModelRows } {
  return {
    seen: { y: y.slice(0, ROWS), p: p.slice(0, 3 * ROWS) },
    fresh: { y: y.slice(ROWS), p: p.slice(3 * ROWS) },
  };
}

function coverageOfClass(y: Int8Array, sets: Uint8Array, label: number): number {
  let [held, rows] = [0, 0];
  for (let i = 0; i < y.length; i++) {
    if (y[i] !== label) continue;
    rows++;
    held += sets[3 * i + label + 1]!;
  }
  return held / rows;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
