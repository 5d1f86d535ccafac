import type { Run } from "../artifacts/index.js";
import type { CellResult } from "./cell.js";
import type { JobEnd } from "./ensemble/index.js";

/** How the jobs of a run end, for those that wait for others. */
export class JobEnds {
  readonly #ends = new Map<string, { end: Promise<JobEnd>; settle: (end: JobEnd) => void }>();

  constructor(private readonly run: { file: Pick<Run["file"], "jobs"> }) {
    for (const { job, status } of run.file.jobs) {
      if (status === "succeeded") continue;
      const { promise, resolve: settle } = withResolvers<JobEnd>();
      this.#ends.set(job, { end: promise, settle });
    }
  }

  /** Does a job's work, and tells who waits for it. */
  async of(job: string, work: () => Promise<CellResult>): Promise<CellResult> {
    const own = this.#ends.get(job);
    try {
      const result = await work();
      own?.settle({ bundle: result.bundle });
      return result;
    } catch (failed) {
      own?.settle({ failed });
      throw failed;
    }
  }

  /** Whatever has not ended will not. */
  fail(failed: unknown): void {
    for (const { settle } of this.#ends.values()) settle({ failed });
  }

  /** Of a job of this run, also one that an earlier process finished; null where there is none of that name. */
  end(job: string): Promise<JobEnd> | null {
    const pending = this.#ends.get(job);
    if (pending !== undefined) return pending.end;
    const { bundle } = this.run.file.jobs.find((each) => each.job === job) ?? { bundle: null };
    return bundle === null ? null : Promise.resolve({ bundle });
  }
}

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
