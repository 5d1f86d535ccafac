import { createPool } from "../../src/engine/index.js";
import { HORIZONS, openBenchDataset } from "../lib/dataset.js";
import { ALLOWED_SECONDS, type Figure, inMebibytes, inSeconds } from "../lib/figure.js";
import { type FitCase, fitOurs, fitReference, referenceOf, rowsOf } from "../lib/fits.js";
import { interleavedPairs, interleavedSteps, median } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";
import { Sides } from "../lib/sides.js";
import { type BenchModel, MODELS } from "./models.js";

/** Rows that no measured pair has; what they cost is starting up. */
const WARM_UP = 1000;

/** Every model at 73 000 × 180: `fit` in a warm worker against the direct call in a warm Python process, both new for each pair. */
export async function fitFigures(pairs: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of MODELS) figures.push(await fitFigure(model, pairs));
  return figures;
}

async function fitFigure({ id, small, note }: BenchModel, pairs: number): Promise<Figure> {
  const dataset = await openBenchDataset();
  const caseOf = (pair: number): FitCase => ({ model: id, rows: rowsOf(pair) });
  const sides = new Sides(dataset, { ...caseOf(WARM_UP), settings: small });
  try {
    const rounds = new Set<number>();
    const times = await interleavedPairs(
      pairs,
      async (pair) => {
        const figures = await fitOurs(await sides.pool(pair), dataset, caseOf(pair));
        rounds.add(figures.rounds);
        return figures.seconds;
      },
      async (pair) => (await fitReference(await sides.reference(pair), dataset, caseOf(pair))).seconds,
    );
    const [ours, direct] = [median(times.ours), median(times.reference)];
    const [least, most] = [Math.min(...rounds), Math.max(...rounds)];
    const grown = least === most ? "" : `, ${least}–${most} rounds`;
    return {
      figure: `${id} fit${grown}${note === undefined ? "" : `, ${note}`}`,
      ours: inSeconds(ours),
      reference: `${inSeconds(direct)} direct${id === "svm" ? " (the same Nyström pipeline)" : ""}`,
      measured: `ratio ${(ours / direct).toFixed(3)}`,
      target: "≤ 1.05",
      met: ours <= 1.05 * direct + ALLOWED_SECONDS,
    };
  } finally {
    await sides.close();
  }
}

/** Peak resident memory of every model's first fit in a fresh worker against the first call in a fresh Python process. */
export async function memoryFigures(pairs: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of MODELS) figures.push(await memoryFigure(model, pairs));
  return figures;
}

async function memoryFigure({ id, small }: BenchModel, pairs: number): Promise<Figure> {
  const dataset = await openBenchDataset();
  const caseOf = (pair: number): FitCase => ({ model: id, rows: rowsOf(pair), settings: small });
  const peaks = await interleavedPairs(
    pairs,
    async (pair) => {
      const pool = createPool({ workers: 1 });
      try {
        return (await fitOurs(pool, dataset, caseOf(pair))).peak;
      } finally {
        await pool.close();
      }
    },
    async (pair) => {
      const reference = await Reference.start(referenceOf(id));
      try {
        return (await fitReference(reference, dataset, caseOf(pair))).peak;
      } finally {
        await reference.close();
      }
    },
  );
  const [ours, direct] = [median(peaks.ours), median(peaks.reference)];
  return {
    figure: `${id}, peak memory of a fresh worker, first fit`,
    ours: inMebibytes(ours),
    reference: `${inMebibytes(direct)} direct`,
    measured: `ratio ${(ours / direct).toFixed(3)}`,
    target: "≤ 1.10",
    met: ours <= 1.1 * direct,
  };
}

/** Four horizons of each booster on the same rows: one worker, which bins once, against four direct calls. */
export async function horizonFigures(pairs: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of MODELS) if (model.boosted) figures.push(await horizonFigure(model, pairs));
  return figures;
}

async function horizonFigure({ id, small }: BenchModel, pairs: number): Promise<Figure> {
  const dataset = await openBenchDataset();
  const fits = (pair: number) => HORIZONS.map((horizon): FitCase => ({ model: id, rows: rowsOf(pair), horizon }));
  const sides = new Sides(dataset, { ...fits(WARM_UP)[0]!, settings: small });
  const quantised = { built: 0, reused: 0 };
  try {
    const times = await interleavedSteps(
      pairs,
      HORIZONS.length,
      async (pair, part) => {
        const { seconds, quantised: how } = await fitOurs(await sides.pool(pair), dataset, fits(pair)[part]!);
        if (how !== null) quantised[how] += 1;
        return seconds;
      },
      async (pair, part) => (await fitReference(await sides.reference(pair), dataset, fits(pair)[part]!)).seconds,
    );
    const [ours, direct] = [median(times.ours), median(times.reference)];
    const once = quantised.built === pairs && quantised.reused === pairs * (HORIZONS.length - 1);
    const what = id === "catboost" ? "borders found" : "quantised";
    return {
      figure: `${id}, four horizons on the same rows`,
      ours: inSeconds(ours),
      reference: `${inSeconds(direct)} four direct calls`,
      measured: `ratio ${(ours / direct).toFixed(3)}; ${what} ${quantised.built / pairs} ×, reused ${quantised.reused / pairs} ×`,
      target: "≤ 1.0, once",
      met: once && ours <= direct + ALLOWED_SECONDS,
    };
  } finally {
    await sides.close();
  }
}
