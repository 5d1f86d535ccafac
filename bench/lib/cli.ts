import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findPython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";

/** The built command in a process of its own, in `cwd`; throws with what it said where it fails. */
export async function foldwise(args: readonly string[], cwd: string): Promise<void> {
  mkdirSync(cwd, { recursive: true });
  await succeed(process.execPath, [join(packageRoot(), "bin", "foldwise"), ...args], cwd);
}

/** Runs a program to its end; throws with the end of what it said on standard error where that is not 0. */
export async function succeed(file: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(file, args, {
    cwd,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, FOLDWISE_PYTHON: findPython().python },
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(-4000);
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${said}`);
}
