/** What the system allows a worker, and whether it has killed it for taking more (Linux; elsewhere the machine's memory is the limit). */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";

export interface MemoryLimit {
  bytes: number;
  /** Where the limit comes from: `the control group /pod (memory.max)`. */
  of: string;
}

export interface MemoryLimits {
  /** Of its process alone (`ulimit`), which makes allocations fail; null: none. */
  process: MemoryLimit | null;
  /** Of the control group or the machine, beyond which the kernel kills. */
  system: MemoryLimit;
}

/** One process's limits, and whether the kernel has killed it for want of memory. */
export class MemoryWatch {
  limits: MemoryLimits = { process: null, system: machine() };
  #group: readonly GroupLevel[] = [];
  #killsBefore: number | null = null;

  /** Looks anew. Once the process has ended, the system tells nothing about it any more. */
  mark(pid: number): void {
    this.#group = controlGroup(read(`/proc/${pid}/cgroup`) ?? "");
    this.limits = {
      process: smallest(processLimits(read(`/proc/${pid}/limits`) ?? "")),
      system: smallest([machine(), ...this.#group.flatMap((level) => groupLimit(level) ?? [])]) ?? machine(),
    };
    this.#killsBefore = oomKills(this.#group);
  }

  /** Whether the kernel has counted a kill in the control group since the mark; false also where it does not count. */
  oomKilled(): boolean {
    const now = oomKills(this.#group);
    return now !== null && this.#killsBefore !== null && now > this.#killsBefore;
  }
}

const machine = (): MemoryLimit => ({ bytes: totalmem(), of: "this machine" });

/** Of the innermost group that counts its processes which the kernel killed for want of memory. */
function oomKills(group: readonly GroupLevel[]): number | null {
  for (const { folder, version } of group) {
    const text = read(join(folder, version === 2 ? "memory.events" : "memory.oom_control"));
    const kills = text === null ? null : /^oom_kill (\d+)$/m.exec(text);
    if (kills !== null) return Number(kills[1]);
  }
  return null;
}

interface GroupLevel {
  folder: string;
  path: string;
  version: 1 | 2;
}

/** From the text of `/proc/PID/cgroup`: the process's own group first, then those that hold it, each of which may limit. */
function controlGroup(text: string): GroupLevel[] {
  const old = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(text)?.[1];
  const unified = /^0::(.*)$/m.exec(text)?.[1];
  const path = old ?? unified;
  if (path === undefined) return [];
  const version = old === undefined ? 2 : 1;
  const root = version === 1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  const names = path.split("/").filter((name) => name !== "" && name !== "..");
  return Array.from({ length: names.length + 1 }, (_, above) => {
    const level = names.slice(0, names.length - above);
    return { folder: join(root, ...level), path: `/${level.join("/")}`, version };
  });
}

function groupLimit({ folder, path, version }: GroupLevel): MemoryLimit | null {
  const file = version === 2 ? "memory.max" : "memory.limit_in_bytes";
  const text = read(join(folder, file))?.trim() ?? "";
  return /^\d+$/.test(text) ? { bytes: Number(text), of: `the control group ${path} (${file})` } : null;
}

const PROCESS_LIMITS = { "Max address space": "ulimit -v", "Max data size": "ulimit -d" };

/** From the text of `/proc/PID/limits`: name, soft limit, hard limit, unit. */
function processLimits(text: string): MemoryLimit[] {
  return Object.entries(PROCESS_LIMITS).flatMap(([name, command]) => {
    const bytes = new RegExp(`^${name} +(\\d+) `, "m").exec(text)?.[1];
    return bytes === undefined ? [] : [{ bytes: Number(bytes), of: `each process (${command})` }];
  });
}

function smallest(limits: readonly MemoryLimit[]): MemoryLimit | null {
  return limits.reduce<MemoryLimit | null>(
    (least, one) => (least === null || one.bytes < least.bytes ? one : least),
    null,
  );
}

/** Null where the system has no such file: the question is then without an answer, not an error. */
function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
