import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { encodeNpy, writeFileAtomic } from "../../src/files/index.js";
import { rowsOfFold } from "../../src/training/index.js";
import { HORIZON } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { SEED } from "../lib/fits.js";
import { median } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";
import { sizeOf, type TuneData, tuneData } from "./data.js";
import { lightgbm } from "./plain.js";
import { type Searched, searchTo } from "./search.js";

/** What `foldwise tune --pruner median` has, too; Optuna's own default is the same start and no warm-up. */
const STARTUP = 5;
const WARMUP = 50;

const answer = z.looseObject({
  seconds: z.number(),
  best: z.number(),
  pruned: z.number(),
  values: z.array(z.number().nullable()),
});
const boosting = z.looseObject({ num_boost_round: z.number(), early_stopping_rounds: z.number() });

const KINDS = [
  { what: "the same configurations", replayed: true, shared: false, warmup: WARMUP },
  { what: "the same configurations, the folds binned once", replayed: true, shared: true, warmup: WARMUP },
  { what: "the same configurations, pruned without a warm-up", replayed: true, shared: false, warmup: 0 },
  { what: "its own draws", replayed: false, shared: false, warmup: WARMUP },
] as const;

/**
 * `foldwise tune --pruner median` beside a Python script with Optuna's median pruner and LightGBM alone, on the same folds. The
 * default pruner, `race`, does more of the work and finds more: it has a figure of its own.
 */
export async function scriptFigures(options: { pairs: number; small: boolean; rows: number }): Promise<Figure[]> {
  const { rows, trials } = sizeOf(options);
  const data = await tuneData(rows);
  const ours: number[] = [];
  const theirs = KINDS.map(() => [] as z.infer<typeof answer>[]);
  const [searches, races] = [[] as Searched[], [] as Searched[]];
  let different = 0;
  for (let pair = 0; pair < options.pairs; pair++) {
    const seed = SEED + pair;
    const searched = await searchTo(data, { name: `s${pair}`, trials, pruner: "median", seed });
    searches.push(searched);
    ours.push(searched.report.seconds.search);
    console.error(`  tune ${ours.at(-1)!.toFixed(1)} s, ${searched.report.counts.pruned} pruned`);
    for (const [i, { what, ...kind }] of KINDS.entries()) {
      // Each in a process of its own, with everything imported.
      const reference = await Reference.start("tune_lightgbm.py");
      try {
        const told = answer.parse(await reference.run(commandOf(data, searched, { ...kind, seed, trials })));
        theirs[i]!.push(told);
        console.error(`  script, ${what}: ${told.seconds.toFixed(1)} s, ${told.pruned} pruned`);
        if (kind.replayed) different += differencesOf(searched, told.values);
      } finally {
        await reference.close();
      }
    }
    races.push(await searchTo(data, { name: `r${pair}`, trials, pruner: "race", seed }));
    console.error(`  race ${races.at(-1)!.report.seconds.search.toFixed(1)} s`);
  }
  const best = (values: readonly number[]) => values.map((value) => value.toFixed(4)).join(", ");
  const bestOf = (found: readonly Searched[]) => best(found.map(({ report }) => report.best.value));
  const raced = races.map(({ report }) => report.seconds.search);
  const own = theirs[KINDS.findIndex(({ replayed }) => !replayed)]!;
  const race: Figure = {
    figure: `the same with the default pruner, race; best ${bestOf(races)} and ${best(own.map((each) => each.best))}`,
    ours: `${median(raced).toFixed(1)} s`,
    reference: `${median(own.map(({ seconds }) => seconds)).toFixed(1)} s script`,
    measured: `ratio ${median(raced.map((each, pair) => each / own[pair]!.seconds)).toFixed(2)}`,
    target: "—",
    met: true,
  };
  const scripts = KINDS.map(({ what }, i): Figure => {
    const found = theirs[i]!;
    const ratio = median(ours.map((each, pair) => each / found[pair]!.seconds));
    const pruned = [searches.map(({ report }) => report.counts.pruned), found.map((each) => each.pruned)];
    return {
      figure: `search of ${trials} trials, pruner median, against a plain Optuna script, ${what}, ${rows} rows; pruned ${pruned.join(" and ")}; best ${bestOf(searches)} and ${best(found.map((each) => each.best))}${different === 0 ? "" : `; ${different} OTHER VALUES`}`,
      ours: `${median(ours).toFixed(1)} s`,
      reference: `${median(found.map(({ seconds }) => seconds)).toFixed(1)} s script`,
      measured: `ratio ${ratio.toFixed(2)}`,
      target: "≤ 1",
      met: different === 0 && ratio <= 1,
    };
  });
  return [...scripts, race];
}

/** Configurations that both finished, to different values: then the two did not do the same work. */
function differencesOf({ report }: Searched, values: readonly (number | null)[]): number {
  return report.trials.filter(({ value, slot }) => {
    const other = values[slot];
    return value !== null && other !== null && other !== undefined && Math.abs(value - other) > 1e-4;
  }).length;
}

function commandOf(
  data: TuneData,
  { report }: Searched,
  {
    replayed,
    shared,
    warmup,
    seed,
    trials,
  }: { replayed: boolean; shared: boolean; warmup: number; seed: number; trials: number },
): Record<string, unknown> {
  const { dataset, plan, defaults, cwd } = data;
  const folder = join(cwd, "rows");
  mkdirSync(folder, { recursive: true });
  const write = (name: string, rows: Int32Array): string => {
    const path = join(folder, `${name}.npy`);
    writeFileAtomic(path, encodeNpy("<i4", [rows.length], rows));
    return path;
  };
  const folds = plan.folds.map((fold) => {
    const { fit, stop, test } = rowsOfFold({ definition: lightgbm(), dataset, plan }, fold);
    return {
      fit: write(`fit${fold.fold}`, fit),
      stop: write(`stop${fold.fold}`, stop),
      test: write(`test${fold.fold}`, test),
    };
  });
  const space = Object.entries(defaults.searchSpace).map(([key, dimension]) => ({
    name: bare(key),
    log: false,
    ...dimension,
  }));
  const drawn = report.trials.map(({ params }) =>
    Object.fromEntries(Object.entries(params).map(([key, value]) => [bare(key), value])),
  );
  const { num_boost_round, early_stopping_rounds } = boosting.parse(defaults.training);
  return {
    X: join(dataset.dir, "X.npy"),
    y: join(dataset.dir, `y_h${HORIZON}.npy`),
    w: join(dataset.dir, `w_h${HORIZON}.npy`),
    folds,
    space,
    params: defaults.model_params,
    defaults: defaults.model_params,
    first: drawn[0],
    enqueued: replayed ? drawn : null,
    shared,
    trials,
    seed,
    rounds: num_boost_round,
    patience: early_stopping_rounds,
    startup: STARTUP,
    warmup,
    threads: availableParallelism(),
  };
}

const bare = (key: string): string => key.slice(key.indexOf(".") + 1);
