import { writeSync } from "node:fs";
import { CommanderError } from "commander";
import { buildProgram } from "./program.js";

/** Commander's own refusals exit 2; asking for help or the version exits 0. */
async function main(): Promise<void> {
  try {
    await buildProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}

// A reader that stops early (`foldwise runs | head`) is no failure, and no reason to leave work half done: it goes on unheard.
// A full disk under the output is one, told once at the end.
let deaf: NodeJS.ErrnoException | undefined;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") deaf ??= error;
  });
}
process.on("exit", () => {
  if (deaf === undefined) return;
  process.exitCode = Number(process.exitCode ?? 0) || 1;
  try {
    writeSync(2, `error: The output could not be written: ${deaf.message}.\n`);
  } catch {
    // Nowhere to say it: the exit code is left.
  }
});
await main();
