import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const BIN = join(ROOT, "bin", "foldwise");

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The NDJSON lines of stdout; empty without `--json`. */
  events: Record<string, unknown>[];
}

export interface CliOptions {
  cwd: string;
  env?: Record<string, string>;
  /** No file may grow beyond so many KiB (`ulimit -f`): a full disk for those who may not mount one. */
  fileKib?: number;
  /** Called with the process as soon as it runs. */
  onStart?: (child: ChildProcess) => void;
  /** Called with each piece of stdout and stderr. */
  onOutput?: (text: string, child: ChildProcess) => void;
}

/** Runs the built command, as a user would. */
export function foldwise(
  args: readonly string[],
  { cwd, env = {}, fileKib, onStart, onOutput }: CliOptions,
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const limit = fileKib === undefined ? [] : ["bash", "-c", `ulimit -f ${fileKib}; exec "$@"`, "foldwise"];
    const [file = "", ...rest] = [...limit, process.execPath, BIN, ...args];
    const child = spawn(file, rest, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      onOutput?.(String(chunk), child);
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
      onOutput?.(String(chunk), child);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr, events: parseEvents(stdout) }));
    onStart?.(child);
  });
}

/** An empty folder below the system's temporary one. */
export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), "foldwise-e2e-"));

/** The NDJSON lines of stdout. */
export function parseEvents(stdout: string): Record<string, unknown>[] {
  return stdout.split("\n").flatMap((line) => {
    if (!line.startsWith("{")) return [];
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}
