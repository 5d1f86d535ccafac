import { basename } from "node:path";
import type { WorkerJob } from "../worker/state.js";

/**
 * What a worker holds after a job, strongest first: a fitted model is in its memory, quantised rows and mapped files are in
 * its caches. Used only to choose among free workers; any worker can do any job from files.
 */
export function keysOf(job: WorkerJob): string[] {
  switch (job.type) {
    case "fit":
      return [rowsKey(job.dataset, job.rows.train), datasetKey(job.dataset)];
    case "predict":
    case "export":
      return [modelKey(job.model_dir)];
    case "hello":
    case "tuner":
      return [];
    default:
      return [studyKey(job.study.file, job.study.name)];
  }
}

/** What the worker that has done `job` holds from then on. */
export function keptAfter(job: WorkerJob): string[] {
  return job.type === "fit" ? [...keysOf(job), modelKey(job.out)] : keysOf(job);
}

const modelKey = (dir: string): string => `model ${dir}`;
/** Row files are named by their contents, whichever job's folder they lie in. */
const rowsKey = (dataset: string, rows: string): string => `rows ${dataset} ${basename(rows)}`;
const studyKey = (file: string, name: string): string => `study ${name} ${file}`;
const datasetKey = (dataset: string): string => `dataset ${dataset}`;

/** The newest keys of one worker; the bound is about what its own caches can hold. */
export class Holdings {
  static readonly MAX = 64;
  readonly #keys = new Set<string>();

  add(keys: readonly string[]): void {
    for (const key of keys) {
      this.#keys.delete(key);
      this.#keys.add(key);
    }
    for (const key of this.#keys) {
      if (this.#keys.size <= Holdings.MAX) break;
      this.#keys.delete(key);
    }
  }

  clear(): void {
    this.#keys.clear();
  }

  /** 0: nothing of use; else the higher, the stronger the key that is held. */
  score(keys: readonly string[]): number {
    const held = keys.findIndex((key) => this.#keys.has(key));
    return held === -1 ? 0 : keys.length - held;
  }

  /** Whether a fit's rows, or the model that is asked, are held: what saves most. */
  holdsMostOf(job: WorkerJob): boolean {
    const [strongest] = keysOf(job);
    return strongest !== undefined && this.#keys.has(strongest);
  }
}

/** What the choice needs to know of a slot of the pool. */
export interface SlotView {
  /** `free`: a worker that waits; `empty`: none yet; `taken`: busy, starting or ending. */
  readonly status: "free" | "empty" | "taken";
  readonly holdings: Holdings;
}

/**
 * The slot for the job at the head of the queue, or -1 when it has to wait: the free worker that holds most of what the job
 * needs, else any free one, else a new one. A job that killed its worker takes a new one first.
 */
export function chooseSlot(job: WorkerJob, slots: readonly SlotView[], fresh: boolean): number {
  const keys = keysOf(job);
  let best = -1;
  let bestRank = 0;
  slots.forEach((slot, index) => {
    const rank =
      slot.status === "taken"
        ? 0
        : slot.status === "empty"
          ? fresh
            ? Number.MAX_VALUE
            : 1
          : 2 + slot.holdings.score(keys);
    if (rank > bestRank) {
      best = index;
      bestRank = rank;
    }
  });
  return best;
}

/** What the choice needs to know of a job that waits. */
export interface Waiting {
  readonly job: WorkerJob;
  /** Above 0: it has killed a worker, and needs a new one more than a knowing one. */
  readonly attempts: number;
  /** How often later jobs went first while it was the head. */
  readonly passed: number;
}

/** So often may later jobs go before the head of the queue: nothing starves. */
export const MAX_PASSED = 4;
/** So far down the queue a job for a knowing worker is looked for. */
const LOOK_AHEAD = 32;

/**
 * The next job and its slot, or null when nothing can start. No job waits for a certain worker: a free one is taken. But a free
 * worker takes a job whose rows or model it holds before a head of the queue for which nobody free does.
 */
export function chooseNext(
  queue: readonly Waiting[],
  slots: readonly SlotView[],
): { job: number; slot: number } | null {
  const [head] = queue;
  if (head === undefined) return null;
  const slot = chooseSlot(head.job, slots, head.attempts > 0);
  if (slot === -1) return null;
  if (head.attempts === 0 && head.passed < MAX_PASSED && !slots[slot]?.holdings.holdsMostOf(head.job)) {
    for (const [job, { job: later }] of queue.slice(0, LOOK_AHEAD).entries()) {
      const knowing = slots.findIndex(({ status, holdings }) => status === "free" && holdings.holdsMostOf(later));
      if (knowing !== -1) return { job, slot: knowing };
    }
  }
  return { job: 0, slot };
}
