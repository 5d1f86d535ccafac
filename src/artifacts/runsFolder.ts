import { statSync } from "node:fs";
import { FoldwiseError } from "../types/index.js";

/** Whether the folder of all runs is there; throws `usage.runs_folder` where its name is that of something else. */
export function runsFolderExists(runsDir: string): boolean {
  let stat: ReturnType<typeof statSync> | undefined;
  try {
    stat = statSync(runsDir, { throwIfNoEntry: false });
  } catch (cause) {
    // A file stands where a folder above it should.
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOTDIR")) throw cause;
    throw notAFolder(runsDir, "lies below a file", cause);
  }
  if (stat === undefined) return false;
  if (stat.isDirectory()) return true;
  throw notAFolder(runsDir, "is no folder");
}

const notAFolder = (runsDir: string, what: string, cause?: unknown): FoldwiseError =>
  new FoldwiseError("usage.runs_folder", `${runsDir} ${what}; runs are kept in a folder.`, {
    remedy: "Name the folder of your runs with --runs DIR (default: experiments/runs).",
    cause,
  });
