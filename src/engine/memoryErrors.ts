/** What is said of a worker that got no more memory: the limit it met, and what to reduce. */
import type { MemoryLimit, MemoryLimits } from "./worker/memory.js";
import type { WorkerJob } from "./worker/state.js";

export interface MemoryContext {
  limits: MemoryLimits;
  /** Of the pool. */
  workers: number;
  job: WorkerJob | null;
}

/** Settings with which the engines' use of memory grows; a job's remedy names those that it has. */
const GROWING = [
  "num_leaves",
  "max_leaves",
  "max_leaf_nodes",
  "max_depth",
  "depth",
  "max_bin",
  "border_count",
  "num_boost_round",
  "n_estimators",
  "n_components",
  "cache_size",
];

/** The lesser of the limits that make an allocation fail. */
export function allocationLimit({ limits }: MemoryContext): string {
  const { process, system } = limits;
  return limitText(process !== null && process.bytes <= system.bytes ? process : system);
}

/** What the kernel kills beyond. */
export function systemLimit({ limits }: MemoryContext): string {
  return limitText(limits.system);
}

function limitText({ bytes, of }: MemoryLimit): string {
  const gib = bytes / 2 ** 30;
  return `The limit is ${gib < 1 ? `${Math.round(gib * 1024)} MiB` : `${gib.toFixed(1)} GiB`}, of ${of}.`;
}

/** An imperative sentence. */
export function memoryRemedy({ job, workers }: MemoryContext): string {
  const given = job?.type === "fit" ? { ...job.training, ...job.params } : {};
  const settings = GROWING.filter((name) => Number(given[name]) > 0).map((name) => `${name} (${given[name]})`);
  const ways = [
    workers > 1 ? `fewer --workers (there are ${workers}: 1 needs the least)` : "",
    "fewer rows or fewer features",
    settings.length === 0 ? "" : `lower ${settings.join(", ")}`,
  ].filter((way) => way !== "");
  return `Use ${ways.join(", or ")}; or close other programs, or allow more memory.`;
}

/** What libraries say when an allocation fails, whatever they make of it afterwards. */
const MEMORY_WORDS =
  /bad_?m?alloc|bad allocation|\bMemoryError\b|out of memory|cannot allocate memory(?! in static TLS)|unable to allocate|failed to map segment/i;

export function speaksOfMemory(lines: readonly string[]): boolean {
  return lines.some((line) => MEMORY_WORDS.test(line));
}
