import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FoldwiseError } from "../../types/index.js";
import type { EngineResult } from "../protocol.js";
import type { WorkerJob } from "../worker/state.js";

/** A job is given to at most this many workers. */
export const MAX_ATTEMPTS = 2;

/**
 * Only a crash may be chance; what an engine refuses, it refuses again. A worker that was killed for want of memory has
 * crashed, since another one may have taken it; a failed allocation that the worker told of is a refusal.
 */
export function isCrash(error: unknown): error is FoldwiseError {
  if (!(error instanceof FoldwiseError)) return false;
  return error.code === "engine.worker_died" || (error.code === "engine.out_of_memory" && "exitCode" in error.details);
}

/** A fit starts in an empty folder: what the dead worker left in `out` goes. */
export function clearTraces(job: WorkerJob): void {
  if (job.type !== "fit") return;
  for (const name of readdirSync(job.out)) rmSync(join(job.out, name), { recursive: true, force: true });
}

/** The failure of the last attempt, which says how many there were. */
export function afterAttempts(error: FoldwiseError, attempts: number): FoldwiseError {
  return new FoldwiseError(error.code, `${error.message}\nIt was attempt ${attempts} of ${MAX_ATTEMPTS}.`, {
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    details: { ...error.details, attempts },
    cause: error,
  });
}

/** A fit that succeeded at its second attempt says so, in the report too: nothing is retried silently. */
export function withCrash(result: EngineResult, crash: string | null): EngineResult {
  if (crash === null || result.kind !== "fit") return result;
  const first = crash.split("\n")[0] ?? crash;
  return { ...result, warnings: [...result.warnings, `Fitted at the second attempt. ${first}`] };
}
