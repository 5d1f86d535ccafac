import { join, resolve } from "node:path";
import { shellWord } from "../files/index.js";

/** The folder of all runs, unless `--runs` names another. */
export const DEFAULT_RUNS = join("experiments", "runs");

/** ` --runs DIR` as it was given, for a command that a message names; nothing for the default folder. */
export function runsFlag(runsDir: string): string {
  return resolve(runsDir) === resolve(DEFAULT_RUNS) ? "" : ` --runs ${shellWord(runsDir)}`;
}

/** The command that goes on with a run. */
export const resumeCommand = (runId: string, runsDir: string): string => `foldwise resume ${runId}${runsFlag(runsDir)}`;
