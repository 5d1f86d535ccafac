import { abortError } from "../errors.js";
import type { EngineResult } from "../protocol.js";
import { describeJob } from "../worker/describe.js";
import type { WorkerJob } from "../worker/state.js";
import type { EngineWorker } from "../worker/worker.js";
import { onAbort } from "./abort.js";
import type { RunOptions } from "./types.js";

/** Where a job stands. */
type TicketPhase = { name: "waiting" } | { name: "running"; worker: EngineWorker } | { name: "settled" };

/** One job on its way through the pool: waits, runs, perhaps waits and runs again, settles once. */
export class Ticket {
  readonly job: WorkerJob;
  readonly options: RunOptions;
  readonly promise: Promise<EngineResult>;
  /** Workers that this job was given to. */
  attempts = 0;
  /** How often a later job was taken first, while this one stood at the head of the queue. */
  passed = 0;
  /** What became of the first worker, if it died of this job. */
  crash: string | null = null;
  #phase: TicketPhase = { name: "waiting" };
  #forget: () => void = () => {};
  #resolve: (result: EngineResult) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(job: WorkerJob, options: RunOptions) {
    this.job = job;
    this.options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (options.signal?.aborted) this.#aborted();
    else if (options.signal !== undefined) this.#forget = onAbort(options.signal, () => this.#aborted());
  }

  get name(): string {
    return describeJob(this.job, this.options.label ?? null);
  }

  get settled(): boolean {
    return this.#phase.name === "settled";
  }

  /** From now on an abort goes to the worker, which answers by ending the job. */
  runsOn(worker: EngineWorker): void {
    if (!this.settled) this.#phase = { name: "running", worker };
  }

  waits(): void {
    if (!this.settled) this.#phase = { name: "waiting" };
    if (this.options.signal?.aborted) this.#aborted();
  }

  succeed(result: EngineResult): void {
    if (this.#settle()) this.#resolve(result);
  }

  fail(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.#phase = { name: "settled" };
    this.#forget();
    return true;
  }

  #aborted(): void {
    const cause: unknown = this.options.signal?.reason;
    if (this.#phase.name === "running") this.#phase.worker.interrupt({ kind: "aborted", cause });
    else this.fail(abortError(this.name, cause));
  }
}
