import { statSync } from "node:fs";
import { FoldwiseError } from "../types/index.js";

/**
 * Throws `usage.output_is_input` where a file that is to be written is one that is read, by whatever name or link.
 *
 * @param inputs paths; those that are not there are left to whoever reads them
 */
export function refuseOverwriting(inputs: readonly string[], outputs: readonly string[]): void {
  const identity = (path: string): string | null => {
    try {
      const stat = statSync(path, { bigint: true });
      return stat.isFile() ? `${stat.dev}:${stat.ino}` : null;
    } catch {
      return null; // Whatever is wrong with it is told by whoever opens it.
    }
  };
  const read = new Map(inputs.flatMap((path) => (identity(path) === null ? [] : [[identity(path), path] as const])));
  for (const output of outputs) {
    const input = read.get(identity(output));
    if (identity(output) === null || input === undefined) continue;
    throw new FoldwiseError("usage.output_is_input", `${output} is read (as ${input}) and would be written over.`, {
      remedy: "Give another --out.",
      details: { input, output },
    });
  }
}
