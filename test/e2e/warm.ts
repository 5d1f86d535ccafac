import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, inject } from "vitest";
import { BIN, type CliResult, parseEvents, ROOT } from "./cli.js";

const HOST = fileURLToPath(new URL("warmHost.mjs", import.meta.url));
const ENTRY = pathToFileURL(join(ROOT, "dist", "cli", "main.js")).href;

interface Host {
  child: ChildProcess;
  /** What its stdout and stderr are: files, in which all is by the time that it says it is done. */
  stdout: string;
  stderr: string;
}

let host: Host | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * The built command as `foldwise` runs it, but in a process that has run it before: for tables of refusals and for what is asked of
 * one run or bundle again and again, where message, exit code and the files left behind are looked at, and where most of the time
 * would go into starting Node and importing. It is the entry module of `dist` in a process apart, with arguments and working folder
 * of its own; what is returned is what that process wrote to its stdout and stderr, and its exit code. Calls wait for one another.
 * `warm.test.ts` holds it against real processes.
 * Not for calls with an environment or signals of their own, nor for plug-ins: a module is imported once.
 */
export function warm(args: readonly string[], { cwd }: { cwd: string }): Promise<CliResult> {
  const call = last.then(() => callOf(args, cwd));
  last = call.catch(() => {});
  return call;
}

/** `warm`, and expects exit code 0. */
export async function warmSucceeds(args: readonly string[], { cwd }: { cwd: string }): Promise<CliResult> {
  const result = await warm(args, { cwd });
  expect(result.code, `foldwise ${args.join(" ")}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function callOf(args: readonly string[], cwd: string): Promise<CliResult> {
  host ??= start();
  const { child } = host;
  const files = [host.stdout, host.stderr] as const;
  for (const file of files) truncateSync(file);
  const code = await new Promise<number | null>((resolve) => {
    // A call that ends its process has an exit code as well; the next one gets another process.
    child.once("exit", (ended) => {
      host = undefined;
      resolve(ended);
    });
    child.once("message", (said) => resolve(Number(said)));
    child.send({ args, cwd });
  });
  child.removeAllListeners("exit").removeAllListeners("message");
  const [stdout, stderr] = files.map((file) => readFileSync(file, "utf8")) as [string, string];
  return { code, stdout, stderr, events: parseEvents(stdout) };
}

function start(): Host {
  const folder = mkdtempSync(join(inject("scratch"), "warm-"));
  const [stdout, stderr] = [join(folder, "stdout"), join(folder, "stderr")];
  const [out, err] = [openSync(stdout, "a"), openSync(stderr, "a")];
  const child = spawn(process.execPath, [HOST, BIN, ENTRY], { stdio: ["ignore", out, err, "ipc"] });
  for (const file of [out, err]) closeSync(file);
  // It ends with this process, and does not keep it.
  child.unref();
  child.channel?.unref();
  return { child, stdout, stderr };
}
