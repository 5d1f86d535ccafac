/** What `npm run demo`, `npm test` and `npm run setup` need before they start; costs well under two seconds when all is there. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureVenv } from "./python.mjs";
import { digest, ROOT, readStamp, run, SetupError, say, step, treeStamp, writeStamp } from "./steps.mjs";

/** @param {{dev: boolean}} options dev: also the Python tools that only the tests and the benchmarks need */
export async function ensureSetup({ dev }) {
  const start = Date.now();
  checkNode();
  const neural = wantsNeural();
  const venv = join(ROOT, ".venv");
  const changed = [await ensureNodeModules(), await ensureVenv(venv, dev ? ["base", "dev"] : ["base"])];
  changed.push(await ensureBuild());
  if (neural) changed.push(await ensureNeural(venv));
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  say(changed.some(Boolean) ? `Set-up done in ${seconds} s.` : `Set-up: nothing to do (${seconds} s).`);
}

/** FOLDWISE_ENGINES=tabular: without torch. */
function wantsNeural() {
  const engines = process.env.FOLDWISE_ENGINES || "all";
  if (engines !== "all" && engines !== "tabular") {
    throw new SetupError(`FOLDWISE_ENGINES is "${engines}"; it may be tabular (without torch) or all, the default.`, 2);
  }
  return engines === "all";
}

const WITHOUT_TORCH = "FOLDWISE_ENGINES=tabular goes without torch, and so without lstm, gru, tcn and transformer.";

/** Last and apart: it is by far the largest. */
async function ensureNeural(venv) {
  try {
    return await ensureVenv(venv, ["neural"], { note: WITHOUT_TORCH });
  } catch (error) {
    if (error instanceof SetupError) throw new SetupError(`${error.message}\n${WITHOUT_TORCH}`, error.exitCode);
    throw error;
  }
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Foldwise needs Node 20.19 or newer; this is ${process.versions.node}.`, 2);
  }
}

async function ensureNodeModules() {
  const file = join(ROOT, "node_modules", ".foldwise-stamp");
  const stamp = digest(readFileSync(join(ROOT, "package-lock.json")), process.platform, process.arch);
  if (readStamp(file) === stamp) return false;
  await step("installing node_modules (some 550 MB)", async () => {
    const done = await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { capture: true });
    if (done.code !== 0) throw new SetupError(`npm ci failed:\n${done.output.trim()}`);
  });
  writeStamp(file, stamp);
  return true;
}

/** Declarations with their comments first; then the JavaScript again without, which is a quarter of the package. */
const BUILDS = ["tsconfig.build.json", "tsconfig.javascript.json"];

async function ensureBuild() {
  const file = join(ROOT, "dist", ".foldwise-stamp");
  const stamp = digest(treeStamp(["src", "tsconfig.json", ...BUILDS]), readFileSync(join(ROOT, "package-lock.json")));
  if (existsSync(join(ROOT, "dist", "cli", "main.js")) && readStamp(file) === stamp) return false;
  await step("building dist", async () => {
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    for (const project of BUILDS) {
      const done = await run(process.execPath, [tsc, "-p", project], { capture: true });
      if (done.code !== 0) throw new SetupError(`The build failed:\n${done.output.trim()}`);
    }
    pruneBuild();
  });
  writeStamp(file, stamp);
  return true;
}

/** Takes away what was built from sources that are gone: it would be shipped, and could be imported. */
function pruneBuild() {
  const dist = join(ROOT, "dist");
  for (const name of readdirSync(dist, { recursive: true })) {
    const source = name.replace(/(\.d\.ts|\.js(\.map)?)$/, ".ts");
    if (source !== name && !existsSync(join(ROOT, "src", source))) rmSync(join(dist, name));
  }
}

/** Runs a script's `main`, turning a SetupError into its message and exit code. */
export async function runScript(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = error.exitCode;
  }
}
