import { capture } from "./capture.js";

/** Module → null where it imports, else what went wrong. */
export type ImportOutcomes = Map<string, string | null>;

/** Standard output is kept for the answers: what a library prints goes to standard error, as in the worker. */
const SCRIPT = `
import importlib, os, sys
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
for name in sys.argv[1:]:
    answers.write(f"begin {name}\\n")
    try:
        importlib.import_module(name)
        answers.write("ok\\n")
    except BaseException as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        answers.write(f"error {said}\\n")
`;

/**
 * Really imports `modules`, all in one process; one that takes the process down, or does not return within `timeoutMs`, is
 * broken, and the rest is tried in a new process.
 */
export async function tryImports(
  python: string,
  modules: readonly string[],
  options: { cwd: string; env: Record<string, string>; timeoutMs: number },
): Promise<ImportOutcomes> {
  const outcomes: ImportOutcomes = new Map();
  for (let left = [...modules]; left.length > 0; left = modules.filter((name) => !outcomes.has(name))) {
    const { stdout, problem } = await capture(python, ["-c", SCRIPT, ...left], options);
    let current: string | undefined;
    for (const line of stdout.split("\n")) {
      if (line.startsWith("begin ")) current = line.slice("begin ".length);
      else if (current !== undefined && line === "ok") outcomes.set(current, null);
      else if (current !== undefined && line.startsWith("error ")) outcomes.set(current, line.slice("error ".length));
    }
    const culprit =
      current !== undefined && !outcomes.has(current) ? current : left.find((name) => !outcomes.has(name));
    if (culprit !== undefined) outcomes.set(culprit, problem ?? "it ended the process");
  }
  return outcomes;
}
