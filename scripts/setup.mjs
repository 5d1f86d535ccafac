#!/usr/bin/env node
/** `npm run setup [-- --dev]`: node_modules, .venv with the engines, dist. */
import { ensureSetup, runScript } from "./lib/setup.mjs";

await runScript(() => ensureSetup({ dev: process.argv.includes("--dev") }));
