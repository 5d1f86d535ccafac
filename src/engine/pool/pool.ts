import { FoldwiseError } from "../../types/index.js";
import type { EngineJob, EngineResult, HelloResult, JobResult } from "../protocol.js";
import type { JobLog } from "../worker/state.js";
import { EngineWorker, type WorkerOptions } from "../worker/worker.js";
import { chooseNext, Holdings, keptAfter, type SlotView } from "./affinity.js";
import { afterAttempts, clearTraces, isCrash, MAX_ATTEMPTS, withCrash } from "./retry.js";
import { Ticket } from "./ticket.js";
import type { EngineModel, EnginePool, RunOptions } from "./types.js";

export interface LocalPoolOptions {
  workers: number;
  threadsPerWorker: number;
  jobTimeoutMs: number | null;
  /** Made when the first worker starts, because it looks for Python. */
  workerOptions: (slot: number) => WorkerOptions;
  /** A job is tried once more; its owner is told too. */
  onRetry: (job: string, log: JobLog) => void;
  /** Called once, when all workers have gone. */
  onClosed: () => void;
}

/** A place for one worker process, which is started when first needed and again after it died. */
class Slot implements SlotView {
  worker: EngineWorker | null = null;
  /** A job has this slot, from its assignment until the worker is free or gone. */
  assigned = false;
  readonly holdings = new Holdings();

  get status(): SlotView["status"] {
    if (this.assigned) return "taken";
    if (this.worker === null) return "empty";
    return this.worker.free ? "free" : "taken";
  }
}

/** Worker processes on this machine behind one queue: first in, first out, but for a job whose rows a free worker holds. */
export class LocalPool implements EnginePool {
  readonly workers: number;
  readonly threadsPerWorker: number;
  readonly #options: LocalPoolOptions;
  readonly #slots: Slot[];
  readonly #queue: Ticket[] = [];
  readonly #open = new Set<Ticket>();
  #closing: Promise<void> | undefined;

  constructor(options: LocalPoolOptions) {
    this.#options = options;
    this.workers = options.workers;
    this.threadsPerWorker = options.threadsPerWorker;
    this.#slots = Array.from({ length: options.workers }, () => new Slot());
  }

  async run<J extends EngineJob>(job: J, options: RunOptions = {}): Promise<JobResult<J>> {
    const result = await this.#submit(new Ticket(job, options));
    if (isResultOf(job, result)) return result;
    throw new Error(`A worker answered ${job.type} with ${result.kind}.`);
  }

  async hello(options: Pick<RunOptions, "signal"> = {}): Promise<HelloResult> {
    const result = await this.#submit(new Ticket({ type: "hello", imports: [] }, options));
    if (result.kind === "hello") return result;
    throw new Error(`A worker answered hello with ${result.kind}.`);
  }

  warm(models: readonly EngineModel[], workers = this.workers): void {
    if (models.length === 0) return;
    for (let i = 0; i < Math.min(workers, this.workers); i++) {
      // Each begins with another: the first jobs are of different models.
      const first = i % models.length;
      const imports = [...models.slice(first), ...models.slice(0, first)];
      this.#submit(new Ticket({ type: "hello", imports }, {})).catch(() => {});
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const ticket of this.#queue.splice(0)) ticket.fail(closedError());
    await Promise.all(this.#slots.map((slot) => slot.worker?.close()));
    await Promise.allSettled([...this.#open].map((ticket) => ticket.promise));
    this.#options.onClosed();
  }

  #submit(ticket: Ticket): Promise<EngineResult> {
    if (this.#closing !== undefined)
      ticket.fail(
        new FoldwiseError("engine.closed", `${ticket.name} was given to an engine pool that is closed.`, {
          remedy: "Make a new pool.",
        }),
      );
    else {
      this.#open.add(ticket);
      const done = (): void => {
        this.#open.delete(ticket);
      };
      ticket.promise.then(done, done);
      this.#queue.push(ticket);
      this.#dispatch();
    }
    return ticket.promise;
  }

  /** Gives waiting jobs to slots as long as there are any of both. */
  #dispatch(): void {
    for (;;) {
      while (this.#queue[0]?.settled) this.#queue.shift();
      const choice = chooseNext(this.#queue, this.#slots);
      if (choice === null) return;
      const [ticket] = this.#queue.splice(choice.job, 1);
      const slot = this.#slots[choice.slot];
      if (ticket === undefined || slot === undefined || ticket.settled) continue;
      const head = this.#queue[0];
      if (choice.job > 0 && head !== undefined) head.passed++;
      void this.#serve(slot, ticket);
    }
  }

  /** One attempt. Never rejects: the ticket is settled, or back at the head of the queue. */
  async #serve(slot: Slot, ticket: Ticket): Promise<void> {
    slot.assigned = true;
    ticket.attempts++;
    try {
      const worker = await this.#workerOf(slot);
      if (this.#closing !== undefined) throw closedError();
      if (!ticket.settled) {
        ticket.runsOn(worker);
        const result = await worker.run(
          ticket.job,
          { ...ticket.options, timeoutMs: ticket.options.timeoutMs ?? this.#options.jobTimeoutMs },
          ticket.options.label ?? null,
        );
        slot.holdings.add(keptAfter(ticket.job));
        ticket.succeed(withCrash(result, ticket.crash));
      }
    } catch (error) {
      this.#afterFailure(ticket, error);
    }
    slot.assigned = false;
    this.#dispatch();
  }

  /** A crash may be chance: the first is retried, with a warning. Everything else is the job's failure. */
  #afterFailure(ticket: Ticket, error: unknown): void {
    if (ticket.settled) return;
    if (!isCrash(error) || this.#closing !== undefined) {
      ticket.fail(error);
    } else if (ticket.attempts >= MAX_ATTEMPTS) {
      ticket.fail(afterAttempts(error, ticket.attempts));
    } else {
      this.#tryAgain(ticket, error);
    }
  }

  #tryAgain(ticket: Ticket, error: FoldwiseError): void {
    const log: JobLog = { level: "warning", message: `${error.message}\nTrying once more on a fresh worker.` };
    this.#options.onRetry(ticket.name, log);
    try {
      clearTraces(ticket.job);
      ticket.options.onLog?.(log);
    } catch (cause) {
      ticket.fail(cause);
      return;
    }
    ticket.crash = error.message;
    ticket.waits();
    this.#queue.unshift(ticket);
  }

  /** The slot's worker, ready; a new one where there is none. */
  async #workerOf(slot: Slot): Promise<EngineWorker> {
    const worker = slot.worker ?? this.#start(slot);
    await worker.ready;
    // It may say `ready` and break the protocol, or end, in one breath.
    if (!worker.free) throw await worker.failure();
    return worker;
  }

  #start(slot: Slot): EngineWorker {
    const worker = new EngineWorker(this.#options.workerOptions(this.#slots.indexOf(slot)));
    slot.worker = worker;
    slot.holdings.clear();
    void worker.gone.then(() => {
      slot.worker = null;
      this.#dispatch();
    });
    return worker;
  }
}

function closedError(): FoldwiseError {
  return new FoldwiseError("interrupted.aborted", "Interrupted: the engine pool was closed.", {
    remedy: "Start the job again, or use `foldwise resume`.",
  });
}

/** The compiler cannot see that a result's kind is its job's type; the worker has checked it. */
function isResultOf<J extends EngineJob>(job: J, result: EngineResult): result is JobResult<J> {
  return result.kind === job.type;
}
