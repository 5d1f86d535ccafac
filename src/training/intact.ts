import { closeSync, fstatSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Run, type RunJob, readBundle } from "../artifacts/index.js";
import { readRegular } from "../files/index.js";
import { parseCvReport, parseReport, parseTuningReport } from "../report/index.js";
import type { OnEvent } from "../types/index.js";
import { kindOf } from "./session.js";

const PARSERS = { train: parseReport, cv: parseCvReport, tune: parseTuningReport };

/** Finished jobs whose bundle, report or predictions are no longer what was written are taken back, to be fitted again. */
export async function takeBackDamaged(run: Run, onEvent: OnEvent | undefined): Promise<void> {
  for (const job of run.file.jobs) {
    if (job.status !== "succeeded") continue;
    const why = await damageOf(run, job);
    if (why === null) continue;
    const message = `${job.job} is fitted again: ${why}`;
    run.logEvent({ event: "notice", message });
    onEvent?.({ event: "notice", message });
    rmSync(join(run.dir, "models", job.job), { recursive: true, force: true });
    run.updateJob(job.job, { status: "interrupted", bundle: null, report: null, predictions: null });
  }
}

async function damageOf(run: Run, { bundle, report, predictions }: RunJob): Promise<string | null> {
  try {
    const kind = kindOf(run);
    if ((bundle === null && kind !== "cv") || report === null || predictions === null)
      return "the run does not name its files.";
    if (bundle !== null) await readBundle(join(run.dir, bundle));
    const path = join(run.dir, report);
    PARSERS[kind](readRegular(path), path);
    return isParquet(join(run.dir, predictions)) ? null : `${predictions} is no Parquet file any more.`;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** By the mark at both ends: a file that was cut short lacks the second. */
function isParquet(path: string): boolean {
  // To open a pipe is to wait for who writes into it.
  if (!statSync(path).isFile()) return false;
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const ends = Buffer.alloc(8);
    readSync(fd, ends, 0, 4, 0);
    readSync(fd, ends, 4, 4, Math.max(0, size - 4));
    return size > 8 && ends.toString("latin1") === "PAR1PAR1";
  } finally {
    closeSync(fd);
  }
}
