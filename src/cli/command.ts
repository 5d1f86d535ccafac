import { type Command, InvalidArgumentError } from "commander";
import type { Output } from "./output.js";

/** What every command gets besides its own options. */
export interface CommandContext {
  output: Output;
  /** What stands on the line besides options: a file, a run. */
  args: readonly string[];
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

/**
 * Adds the options that every command has, and what it does: `load` imports the module of its work when the command is run, so that
 * asking for help, or another command, costs none of it.
 */
export function runs<O extends object>(
  command: Command,
  load: (options: O) => Promise<CommandBody<O & GlobalOptions>>,
): Command {
  return command
    .option("--json", "NDJSON events on stdout; the last line is the result")
    .option("--quiet", "no progress on stderr")
    .option("--verbose", "stack traces with errors")
    .action(async () => {
      const { perform } = await import("./perform.js");
      process.exitCode = await perform(command.opts<O & GlobalOptions>(), command.args, load);
    });
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
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError("Expected a whole number from 1 to 999999999.");
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
