import { FoldwiseError } from "../types/index.js";
import type { CommandBody, GlobalOptions } from "./command.js";
import { openOutput } from "./output.js";

/** Loads and runs a command's work with signals, errors and output handled; resolves to the exit code. */
export async function perform<O extends GlobalOptions>(
  options: O,
  args: readonly string[],
  load: (options: O) => Promise<CommandBody<O>>,
): Promise<number> {
  const output = await openOutput({
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
  });
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
    const body = await load(options);
    return (await body({ output, args, signal: abort.signal, cwd: process.cwd() }, options)) ?? 0;
  } catch (error) {
    return output.error(error);
  } finally {
    output.close();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
