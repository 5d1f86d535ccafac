import type { ChildProcess } from "node:child_process";

/** SIGTERM, then SIGKILL after `graceMs` unless the process has gone. The caller listens for `exit`. */
export function terminate(child: ChildProcess, graceMs: number): void {
  if (hasExited(child)) return;
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
  child.once("exit", () => clearTimeout(timer));
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Signals the worker's whole process group (`launch`), so that what it has started goes with it. */
function signalGroup(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined || hasExited(child)) return;
  if (process.platform === "win32") {
    child.kill(signal);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is not there yet or no longer; the process itself may be.
    child.kill(signal);
  }
}

const living = new Set<ChildProcess>();

function killAll(): void {
  for (const child of living) signalGroup(child, "SIGKILL");
}

/**
 * Kills the child when this process ends in an orderly way. When it is killed itself, the child sees the end of its standard
 * input, and on Linux the kernel signals it (PR_SET_PDEATHSIG).
 */
export function killWithParent(child: ChildProcess): void {
  if (living.size === 0) process.on("exit", killAll);
  living.add(child);
  child.once("exit", () => {
    living.delete(child);
    if (living.size === 0) process.off("exit", killAll);
  });
}
