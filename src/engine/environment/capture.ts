import { execFile } from "node:child_process";

export interface Captured {
  stdout: string;
  stderr: string;
  /** Null: it ended with exit code 0. Else why not, in a few words. */
  problem: string | null;
}

/** Runs a short program to its end, or kills it after `timeoutMs`. Never rejects. */
export function capture(
  file: string,
  args: readonly string[],
  options: { cwd: string; env: Record<string, string>; timeoutMs: number },
): Promise<Captured> {
  const { cwd, env, timeoutMs } = options;
  return new Promise((done) => {
    const limits = {
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: 16 * 1024 * 1024,
      windowsHide: true,
    } as const;
    execFile(file, args, { cwd, env: { ...process.env, ...env }, ...limits }, (error, stdout, stderr) => {
      done({ stdout, stderr, problem: error === null ? null : problemOf(error, stderr, timeoutMs) });
    });
  });
}

function problemOf(
  error: Error & { code?: unknown; killed?: boolean; signal?: unknown },
  stderr: string,
  timeoutMs: number,
): string {
  if (error.killed) return `no answer after ${timeoutMs / 1000} s`;
  if (error.signal) return `it died (${String(error.signal)})`;
  if (typeof error.code === "string") return error.message;
  return stderr.trim().split("\n").at(-1) || `exit code ${String(error.code)}`;
}
