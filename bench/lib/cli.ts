import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findPython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { MemoryWatch } from "./memory.js";

/** The built command in a process of its own, in `cwd`; throws with what it said where it fails. */
export async function foldwise(args: readonly string[], cwd: string): Promise<void> {
  mkdirSync(cwd, { recursive: true });
  await succeed(process.execPath, [join(packageRoot(), "bin", "foldwise"), ...args], cwd);
}

/** The same, with its seconds by the clock and the most bytes that all of its processes held together (Linux). */
export async function watchedFoldwise(
  args: readonly string[],
  cwd: string,
): Promise<{ seconds: number; peakBytes: number }> {
  mkdirSync(cwd, { recursive: true });
  const start = performance.now();
  const child = launch(process.execPath, [join(packageRoot(), "bin", "foldwise"), ...args], cwd);
  const memory = new MemoryWatch(child.pid!);
  try {
    await ended(child, args);
    return { seconds: (performance.now() - start) / 1000, peakBytes: memory.peakBytes };
  } finally {
    memory.stop();
  }
}

/** Runs a program to its end; throws with the end of what it said on standard error where that is not 0. */
export async function succeed(file: string, args: readonly string[], cwd: string): Promise<void> {
  await ended(launch(file, args, cwd), args);
}

type Child = ReturnType<typeof launch>;

function launch(file: string, args: readonly string[], cwd: string) {
  return spawn(file, args, {
    cwd,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, FOLDWISE_PYTHON: findPython().python },
  });
}

async function ended(child: Child, args: readonly string[]): Promise<void> {
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(-4000);
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${said}`);
}
