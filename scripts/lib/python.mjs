/** Finds a Python 3.11–3.13 and keeps a virtual environment with hashed engines. Used by set-up and by `foldwise doctor --install`. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { installLocks, LOCKS, NEURAL_LOCK, titleOf } from "./install.mjs";
import { digest, readStamp, run, SetupError, say, step, writeStamp } from "./steps.mjs";

const CANDIDATES = ["python3.13", "python3.12", "python3.11", "python3", "python"];
const PROBE = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)";

const supported = (version) => /^3\.1[123]$/.test(version);

/** `{path, version}` of the interpreter that environments are made from; FOLDWISE_PYTHON overrides what is found. */
export async function findInterpreter() {
  const named = process.env.FOLDWISE_PYTHON;
  const tried = [];
  for (const candidate of named ? [named] : CANDIDATES) {
    const { code, output } = await run(candidate, ["-c", PROBE], { capture: true });
    const [version = "", path = candidate] = output.trim().split(" ");
    if (code === 0 && supported(version)) return { path, version };
    if (code === 0) tried.push(`${candidate} is ${version}`);
    else if (named) tried.push(`${candidate} does not run`);
  }
  throw new SetupError(
    `No Python 3.11, 3.12 or 3.13 was found${tried.length > 0 ? ` (${tried.join(", ")})` : ""}.\n` +
      "Install one (on Debian: apt-get install python3 python3-venv), or name it: FOLDWISE_PYTHON=/path/to/python3.12",
    2,
  );
}

export const venvPython = (venv) =>
  process.platform === "win32" ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");

/** Which lock files a group needs. XGBoost has a smaller build for machines without an NVIDIA GPU, but not for macOS. */
export async function locksOf(group) {
  if (group === "dev") return ["dev.txt"];
  if (group === "neural") return [NEURAL_LOCK];
  if (process.platform === "darwin") return ["base.txt", "xgboost-cuda.txt"];
  const { code } = await run("nvidia-smi", ["-L"], { capture: true });
  return ["base.txt", code === 0 ? "xgboost-cuda.txt" : "xgboost-cpu.txt"];
}

/**
 * Makes `venv` hold the locked packages of `groups` ("base", "dev", "neural"); does nothing where stamps say that it does.
 * `note` is said before something is installed.
 */
export async function ensureVenv(venv, groups, { note } = {}) {
  const python = venvPython(venv);
  // FOLDWISE_PYTHON may be changed between two runs; without it an existing environment stands as it is.
  const madeFrom = process.env.FOLDWISE_PYTHON ?? "";
  const pending = [];
  for (const group of groups) {
    const names = groupLocks(venv, group) ?? (await locksOf(group));
    const stamp = digest(madeFrom, ...names, ...names.map((name) => readFileSync(join(LOCKS, name))));
    const file = join(venv, `.foldwise-${group}`);
    if (!existsSync(python) || !readStamp(file).startsWith(stamp)) pending.push({ file, stamp, names });
  }
  if (pending.length === 0) return false;
  if (note !== undefined) say(`  ${note}`);
  await makeVenv(venv, python, madeFrom);
  const lockNames = pending.flatMap(({ names }) => names);
  const again = pending.some(({ file }) => existsSync(begun(file)));
  for (const { file } of pending) writeStamp(begun(file), "");
  await step(titleOf(lockNames), () => installLocks(python, lockNames, { again }));
  for (const { file, stamp, names } of pending) {
    writeStamp(file, `${stamp}\n${names.join(",")}\n`);
    rmSync(begun(file));
  }
  return true;
}

/** Stands while a group is being installed, and after an installation that did not come to its end. */
const begun = (file) => `${file}.begun`;

/** The locks that were installed last time: asking the GPU driver on every start would cost more than the rest of it. */
function groupLocks(venv, group) {
  const names = readStamp(join(venv, `.foldwise-${group}`)).split("\n")[1];
  return names ? names.split(",") : undefined;
}

async function makeVenv(venv, python, madeFrom) {
  const marker = join(venv, ".foldwise-python");
  if (existsSync(python) && readStamp(marker) === madeFrom) {
    const { code, output } = await run(python, ["-c", PROBE], { capture: true });
    if (code === 0 && supported(output.trim().split(" ")[0] ?? "")) return;
  }
  const base = await findInterpreter();
  await step(`making ${venv} with Python ${base.version}`, async () => {
    rmSync(venv, { recursive: true, force: true });
    mkdirSync(dirname(venv), { recursive: true });
    const made = await run(base.path, ["-m", "venv", venv], { capture: true });
    if (made.code !== 0) {
      rmSync(venv, { recursive: true, force: true });
      throw new SetupError(
        `Python could not make a virtual environment:\n${made.output.trim()}\n` +
          "On Debian and Ubuntu the module is a package of its own: apt-get install python3-venv",
      );
    }
    writeStamp(marker, madeFrom);
  });
}
