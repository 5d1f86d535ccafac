import { type Command, InvalidArgumentError } from "commander";
import { FoldwiseError } from "../types/index.js";
import { Output } from "./output.js";

/** What every command gets besides its own options. */
export interface CommandContext {
  output: Output;
  /** Fires at the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
  cwd: string;
}

/** A command's work; resolves to the exit code, 0 when nothing is returned. */
// biome-ignore lint/suspicious/noConfusingVoidType: most commands have nothing to return
export type CommandBody<O> = (context: CommandContext, options: O) => Promise<number | void>;

export interface GlobalOptions {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** Adds the options that every command has, and runs `body` with signals, errors and exit codes handled. */
export function runs<O extends object>(command: Command, body: CommandBody<O & GlobalOptions>): Command {
  return command
    .option("--json", "NDJSON events on stdout; the last line is the result")
    .option("--quiet", "no progress on stderr")
    .option("--verbose", "stack traces with errors")
    .action(async () => {
      const options = command.opts<O & GlobalOptions>();
      const output = new Output({
        json: options.json ?? false,
        quiet: options.quiet ?? false,
        verbose: options.verbose ?? false,
      });
      process.exitCode = await guarded(output, (signal) => body({ output, signal, cwd: process.cwd() }, options));
    });
}

async function guarded(
  output: Output,
  // biome-ignore lint/suspicious/noConfusingVoidType: see CommandBody
  body: (signal: AbortSignal) => Promise<number | void>,
): Promise<number> {
  const abort = new AbortController();
  const stop = (): void => {
    // A second Ctrl-C means now; workers die with this process.
    if (abort.signal.aborted) process.exit(130);
    process.stderr.write("\nStopping; what is finished is kept. Press Ctrl-C again to leave at once.\n");
    abort.abort(new FoldwiseError("interrupted.signal", "Interrupted."));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return (await body(abort.signal)) ?? 0;
  } catch (error) {
    return output.error(error);
  } finally {
    output.close();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/** Example lines below a command's `--help`. */
export const examples = (...lines: string[]): string =>
  `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;

/** `a,b,c` → its parts; empty parts are refused. */
export function commaList(value: string): string[] {
  const parts = value.split(",").map((part) => part.trim());
  if (parts.some((part) => part === "")) throw new InvalidArgumentError("Expected names separated by commas.");
  return [...new Set(parts)];
}

/** `1,2,3` → whole numbers, 0 allowed. */
export function wholeNumbers(value: string): number[] {
  return commaList(value).map(wholeNumber);
}

/** `5,10` → positive integers. */
export function integerList(value: string): number[] {
  return commaList(value).map(positiveInteger);
}

export function positiveInteger(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError("Expected a whole number of 1 or more.");
  return Number(value);
}

export function wholeNumber(value: string): number {
  if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffffffff) {
    throw new InvalidArgumentError("Expected a whole number from 0 to 4294967295.");
  }
  return Number(value);
}

export function nonNegative(value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number) || number < 0) {
    throw new InvalidArgumentError("Expected a number of 0 or more.");
  }
  return number;
}

/** Collects a flag that may be given several times. */
export const collect = (value: string, previous: string[] | undefined): string[] => [...(previous ?? []), value];
