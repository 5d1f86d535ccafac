import { execFileSync } from "node:child_process";
import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { setTimeout } from "node:timers/promises";
import { findPython } from "../../src/engine/index.js";

/** One line for a results file: what the figures were measured on. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim().replace(/\s+/g, " ") ?? "unknown CPU";
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return [
    `${availableParallelism()} cores of ${model}`,
    `${memory} GiB memory`,
    `${platform()} ${arch()} ${release().split("-")[0]}`,
    `Node ${process.versions.node}`,
    pythonVersions(),
  ].join(", ");
}

function pythonVersions(): string {
  const program = [
    "import importlib.metadata as m, platform",
    "print('Python', platform.python_version(), *(f', {p} {m.version(p)}' for p in ('numpy', 'xgboost-cpu', 'xgboost', 'pyarrow')",
    " if any(d.name == p for d in m.distributions())), sep='')",
  ].join("\n");
  return execFileSync(findPython().python, ["-c", program], { encoding: "utf8" }).trim().replace("Python", "Python ");
}

/** Of all cores, while nothing of the benchmark runs: more than this is somebody else's work. */
const MOST_BUSY = 0.1;
const WATCHED_MS = 2000;

/**
 * What a reader must know of figures from a machine that is doing something else; "" on a quiet one. By what the cores do for
 * two seconds: a load average still remembers the benchmark's own last part.
 */
export async function busyNote(): Promise<string> {
  const before = coreTimes();
  await setTimeout(WATCHED_MS);
  const after = coreTimes();
  const busy = 1 - (after.idle - before.idle) / (after.total - before.total);
  if (busy <= MOST_BUSY) return "";
  return `**Not valid: the machine was busy (${(busy * 100).toFixed(0)} % of its cores) when this began. Run it again on a quiet one.**`;
}

function coreTimes(): { idle: number; total: number } {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}
