import { readdirSync, readFileSync } from "node:fs";

const EVERY_MS = 100;

/** The most memory that a process and all that descend from it hold together, looked at ten times a second. Linux only. */
export class MemoryWatch {
  #peak = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.#look();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** So far. */
  get peakBytes(): number {
    return this.#peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    let sum = 0;
    for (const pid of familyOf(this.pid)) sum += proportionalBytes(pid);
    this.#peak = Math.max(this.#peak, sum);
  }
}

/** `root` and its descendants, as they are now. Linux only. */
export function familyOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : null;
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const family = [root];
  // Grows while it is gone through.
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  return family;
}

/** The second word after the program's name, which may hold anything; null where the process has ended. */
function parentOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Pages that several processes map count as a share each, so that the sum counts them once. */
function proportionalBytes(pid: number): number {
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "") ?? [];
  return 1024 * Number(kilobytes ?? 0);
}

/** Processes end while they are looked at. */
function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
