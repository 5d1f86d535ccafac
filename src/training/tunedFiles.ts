import { existsSync } from "node:fs";
import { join } from "node:path";
import { Run } from "../artifacts/index.js";
import { pathUnder } from "../files/index.js";
import { FoldwiseError } from "../types/index.js";
import { jobName } from "./grid.js";

/** The files that tuning runs have left for one symbol and horizon. */
export interface TunedFiles {
  /** The newest of a model; null where none of the runs has tuned it. */
  of: (model: string) => string | null;
  /**
   * What was taken from where.
   *
   * @param models All that the call fits.
   * @throws FoldwiseError `usage.not_tuned` where none of them was tuned.
   */
  notices: (models: readonly string[]) => string[];
}

/**
 * Settings are tuned for one symbol and horizon.
 *
 * @throws FoldwiseError `usage.tuned_grid` where the call has several of them.
 */
export function tunedFiles(
  runsDir: string,
  { symbols, horizons }: { symbols: readonly string[]; horizons: readonly number[] },
): TunedFiles {
  const [symbol, horizon] = [symbols[0], horizons[0]];
  if (symbols.length !== 1 || horizons.length !== 1 || symbol === undefined || horizon === undefined) {
    throw new FoldwiseError(
      "usage.tuned_grid",
      `Settings are tuned for one symbol and one horizon; this call has ${symbols.length} and ${horizons.length}.`,
      { remedy: "Name one --symbol and one --horizon with --tuned, and train the others in runs of their own." },
    );
  }
  const runs = Run.list(runsDir)
    .filter(({ file }) => file.options.kind === "tune")
    .reverse();
  const found = new Map<string, { path: string; run: string } | null>();
  const find = (model: string): { path: string; run: string } | null => {
    const known = found.get(model);
    if (known !== undefined) return known;
    const job = jobName(model, symbol, horizon);
    const run = runs.find(
      ({ dir, file }) =>
        file.jobs.some((each) => each.job === job && each.status === "succeeded") &&
        existsSync(join(dir, "tuned", `${job}.yaml`)),
    );
    const own = run === undefined ? null : { path: pathUnder(run.dir, "tuned", `${job}.yaml`), run: run.id };
    found.set(model, own);
    return own;
  };
  return {
    of: (model) => find(model)?.path ?? null,
    notices: (models) => {
      const tuned = models.flatMap((model) => {
        const own = find(model);
        return own === null ? [] : [`${model}: settings tuned in run ${own.run}`];
      });
      if (tuned.length > 0) {
        const others = models.filter((model) => find(model) === null);
        return others.length === 0
          ? tuned
          : [
              ...tuned,
              `Not tuned for ${symbol} at horizon ${horizon}: ${others.join(", ")}; their settings are those without --tuned.`,
            ];
      }
      throw new FoldwiseError(
        "usage.not_tuned",
        `No run in ${runsDir} has tuned ${models.join(", ")} for ${symbol} at horizon ${horizon}.`,
        { remedy: `Run: foldwise tune --model ${models[0] ?? "NAME"} --symbol ${symbol} --horizon ${horizon}` },
      );
    },
  };
}
