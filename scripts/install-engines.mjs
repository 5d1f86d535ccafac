#!/usr/bin/env node
/** `node scripts/install-engines.mjs VENV [GROUP…]`: what `foldwise doctor --install` runs, in a checkout and in an installed package. */
import { ensureVenv } from "./lib/python.mjs";
import { SetupError, say } from "./lib/steps.mjs";

const [venv, ...groups] = process.argv.slice(2);
try {
  // Every group stands on the base.
  let changed = await ensureVenv(venv, ["base"]);
  for (const group of groups) changed = (group !== "base" && (await ensureVenv(venv, [group]))) || changed;
  say(changed ? `Installed in ${venv}.` : `Nothing to install: ${venv} is up to date.`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = error.exitCode;
}
