import { execFileSync } from "node:child_process";
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";
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

/** What a reader must know of figures from a machine that was doing something else; "" on a quiet one. */
export function busyNote(): string {
  const load = loadavg()[0] ?? 0;
  if (load <= availableParallelism() / 4) return "";
  return `**Not valid: the machine was busy (load ${load.toFixed(1)}) when this run began. Run it again on a quiet one.**`;
}
