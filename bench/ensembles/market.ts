import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Report, reportSchema } from "../../src/report/index.js";
import { foldwise } from "../lib/cli.js";
import { benchFolder, SYMBOL } from "../lib/dataset.js";

/** Synthetic five-minute bars of MES. */
export const BARS = 20_000;
export const HORIZON = 20;
export const SEEDS = [1, 2, 3, 4, 5] as const;

/** `{benchFolder}/{name}` anew, with the bars of one seed prepared under `data/`: about 180 features, the shipped labels. */
export async function preparedMarket(name: string, seed: number): Promise<string> {
  const cwd = join(benchFolder(), name);
  rmSync(cwd, { recursive: true, force: true });
  await foldwise(
    [
      "demo-data",
      "--symbol",
      SYMBOL,
      "--bars",
      String(BARS),
      "--bar",
      "5m",
      "--seed",
      String(seed),
      "--out",
      "bars.csv",
    ],
    cwd,
  );
  await foldwise(
    ["prepare", "bars.csv", "--symbol", SYMBOL, "--bar-time", "close", "--horizons", String(HORIZON)],
    cwd,
  );
  return cwd;
}

/** What `foldwise train --run-id {run}` in `cwd` said of a model. */
export function reportOf(cwd: string, run: string, model: string): Report {
  const path = join(cwd, "experiments", "runs", run, "reports", `${model}_${SYMBOL}_h${HORIZON}_report.json`);
  return reportSchema.parse(JSON.parse(readFileSync(path, "utf8")));
}
