#!/usr/bin/env node
/** `npm run demo [-- flags]`: set-up, then `foldwise demo`. */
import { join } from "node:path";
import { ensureSetup, runScript } from "./lib/setup.mjs";
import { ROOT, run } from "./lib/steps.mjs";

await runScript(async () => {
  await ensureSetup({ dev: false });
  const { code } = await run(process.execPath, [join(ROOT, "bin", "foldwise"), "demo", ...process.argv.slice(2)]);
  return code;
});
