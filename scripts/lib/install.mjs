/** Installs locks into a virtual environment: with uv, which does in seconds what pip does in minutes, else with pip. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, SetupError, say } from "./steps.mjs";

export const LOCKS = join(ROOT, "engine", "locks");
export const NEURAL_LOCK = "neural.txt";

/** Where a CPU build of torch is to be taken from, if the user has named an index. On macOS PyPI's is one. */
const cpuIndex = () => (process.platform === "darwin" ? undefined : process.env.FOLDWISE_TORCH_INDEX || undefined);

/** What is about to be installed, and how large it becomes on disk (as measured on Linux with Python 3.11). */
export function titleOf(names) {
  if (!names.includes(NEURAL_LOCK)) return `installing engines: ${names.join(", ")} (some 1.1 GB)`;
  const size = process.platform === "linux" ? "3 GB to download, 5.6 GB on disk, once" : "once";
  const build = cpuIndex() === undefined ? size : "the CPU build of FOLDWISE_TORCH_INDEX, once";
  return `installing torch for the sequence models: ${names.join(", ")} (${build})`;
}

/** `again`: an earlier installation was cut off; what it left counts as installed for uv and pip, but may lack files. */
export async function installLocks(python, names, { again }) {
  const uv = await run(python, ["-m", "pip", "install", "-q", "--require-hashes", "-r", join(LOCKS, "uv.txt")], {
    capture: true,
  });
  const filtered = join(python, "..", "..", ".foldwise-neural.txt");
  try {
    for (const part of partsOf(names, filtered)) {
      await install(python, part, { uv: uv.code === 0, again, link: names.includes(NEURAL_LOCK) });
    }
  } finally {
    rmSync(filtered, { force: true });
  }
}

/** The locks in one go; with an index for torch: all but torch and its CUDA parts, then the CPU build, whose hash no lock can know. */
function partsOf(names, filtered) {
  const index = names.includes(NEURAL_LOCK) ? cpuIndex() : undefined;
  if (index === undefined)
    return [{ args: ["--require-hashes", ...names.flatMap((name) => ["-r", join(LOCKS, name)])] }];
  const lock = readFileSync(join(LOCKS, NEURAL_LOCK), "utf8");
  const version = /^torch==([^\s;\\]+)/m.exec(lock)?.[1];
  const cudaParts = /^(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==/;
  const requirements = lock.split(/^(?=\S)/m).filter((requirement) => !cudaParts.test(requirement));
  writeFileSync(filtered, requirements.join(""));
  const others = names.filter((name) => name !== NEURAL_LOCK).map((name) => join(LOCKS, name));
  return [
    { args: ["--require-hashes", ...[...others, filtered].flatMap((file) => ["-r", file])] },
    // In the environment, not among the arguments: an address may hold a password.
    { args: ["--no-deps", `torch==${version}+cpu`], env: { UV_DEFAULT_INDEX: index, PIP_INDEX_URL: index } },
  ];
}

/** `link`: torch is as large again in uv's cache, and shares its files with that where the disk is the same. */
async function install(python, { args, env = {} }, { uv, again, link }) {
  if (uv) {
    const options = ["-q", "--python", python, ...(again ? ["--reinstall"] : [])];
    // What the user has set for uv is stronger. Compiled now, as pip does: importing scikit-learn from source takes seconds,
    // and some environments forbid Python to keep it.
    const { UV_COMPILE_BYTECODE, UV_LINK_MODE } = process.env;
    const own = { UV_COMPILE_BYTECODE: UV_COMPILE_BYTECODE || "1" };
    if (!link) own.UV_LINK_MODE = UV_LINK_MODE || "copy";
    const done = await run(python, ["-m", "uv", "pip", "install", ...options, ...args], {
      capture: true,
      env: { ...own, ...env },
    });
    if (done.code === 0) return;
    say(`  uv did not manage (${lastLine(done.output)}); trying pip`);
  }
  // pip refuses to uninstall what is there by half.
  const options = again ? ["--ignore-installed"] : [];
  const pip = await run(python, ["-m", "pip", "install", "-q", ...options, ...args], { capture: true, env });
  if (pip.code !== 0) {
    throw new SetupError(`The engines could not be installed:\n${pip.output.trim().split("\n").slice(-15).join("\n")}`);
  }
}

const lastLine = (text) => text.trim().split("\n").at(-1) ?? "";
