import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Names a process so that a later one, which was given the same number, is not taken for it. */
export interface ProcessMark {
  pid: number;
  host: string;
  /** Clock ticks from boot to its start; null where the system does not say. */
  started: string | null;
}

export function ownMark(): ProcessMark {
  return { pid: process.pid, host: hostname(), started: statOf(process.pid)?.started ?? null };
}

/** Whether the process still runs on this machine; false for one of another machine, of which nothing can be known. */
export function isRunning({ pid, host, started }: ProcessMark): boolean {
  return host === hostname() && isAlive(pid, started);
}

/** Whether a process of that number runs, and, where `started` is known, is the one that was meant. A zombie does not run. */
export function isAlive(pid: number, started: string | null = null): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EPERM")) return false;
  }
  const stat = statOf(pid);
  if (stat === null) return true;
  return stat.state !== "Z" && (started === null || stat.started === started);
}

/** State and start time by Linux's /proc (man 5 proc_pid_stat, fields 3 and 22); null elsewhere. */
function statOf(pid: number): { state: string; started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before the state stands in brackets and may hold anything, brackets too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, started] = [fields[0], fields[19]];
    return state === undefined || started === undefined ? null : { state, started };
  } catch {
    return null;
  }
}
