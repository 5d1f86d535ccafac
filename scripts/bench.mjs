#!/usr/bin/env node
/** `npm run bench -- NAME [flags]`: builds `bench/` with the sources it measures into `.foldwise/bench`, and runs one of them. */
import { join } from "node:path";
import { ensureSetup, runScript } from "./lib/setup.mjs";
import { ROOT, run, SetupError } from "./lib/steps.mjs";

await runScript(async () => {
  await ensureSetup({ dev: true });
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const built = await run(process.execPath, [tsc, "-p", join("bench", "tsconfig.json")], { capture: true });
  if (built.code !== 0) throw new SetupError(`The benchmarks do not compile:\n${built.output.trim()}`);
  const main = join(ROOT, ".foldwise", "bench", "bench", "run.js");
  const { code } = await run(process.execPath, ["--enable-source-maps", main, ...process.argv.slice(2)]);
  return code;
});
