/** Small helpers of the repository's own scripts: run a command, say what is going on, stamp what is done. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const say = (text) => process.stderr.write(`${text}\n`);

/** A failure whose message is meant for the person at the terminal; carries the exit code. */
export class SetupError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs a command to its end; `capture` keeps the output instead of passing it on. Never throws for a bad exit. */
export function run(command, args, { capture = false, env = {}, cwd = ROOT } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: capture ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
      shell: process.platform === "win32" && command === "npm",
    });
    let output = "";
    child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), output }));
  });
}

/** Runs one step with a line before and after; a heartbeat every ten seconds when it is captured and long. */
export async function step(title, work) {
  const start = Date.now();
  const seconds = () => ((Date.now() - start) / 1000).toFixed(1);
  say(`  … ${title}`);
  const beat = setInterval(() => say(`  … ${title} (${seconds()} s)`), 10_000);
  try {
    const result = await work();
    say(`  ✓ ${title} (${seconds()} s)`);
    return result;
  } catch (error) {
    say(`  ✗ ${title} (${seconds()} s)`);
    throw error;
  } finally {
    clearInterval(beat);
  }
}

export const digest = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
};

export const readStamp = (path) => (existsSync(path) ? readFileSync(path, "utf8") : "");
export const writeStamp = (path, stamp) => writeFileSync(path, stamp);

/** A cheap fingerprint of the files below `folders`: names, sizes, times. */
export function treeStamp(folders) {
  const hash = createHash("sha256");
  const visit = (path) => {
    const stat = statSync(path);
    if (stat.isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else {
      hash.update(`${relative(ROOT, path)}\0${stat.size}\0${stat.mtimeMs}\n`);
    }
  };
  for (const folder of folders) visit(join(ROOT, folder));
  return hash.digest("hex");
}
