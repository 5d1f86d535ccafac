/** What Linux says of a process's children, for tests that stop and kill. */
import { readdirSync, readFileSync } from "node:fs";

/** Process ids of the workers (Python) that a process has started, directly or not. */
export function workersOf(parent: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    const stat = Number.isInteger(pid) ? statOf(pid) : null;
    if (stat !== null) children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const found: number[] = [];
  const queue = [parent];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      queue.push(child);
    }
  }
  return found.filter((pid) => commandOf(pid).includes("foldwise_engine"));
}

/** Whether the process still runs; one that has ended and waits for its parent to notice does not. */
export function runs(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== null && stat.state !== "Z" && commandOf(pid).includes("foldwise_engine");
}

function statOf(pid: number): { state: string; parent: number } | null {
  try {
    // The name, in parentheses, may hold spaces.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return { state: state!, parent: Number(parent) };
  } catch {
    return null;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
