/** Installing engines, with wheels of our own making in the place of large ones: no group, build or remnant is taken for another. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPython } from "../../src/engine/index.js";
import { CHECKOUT } from "./checkout.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { python } = findPython();
const scratch = mkdtempSync(join(tmpdir(), "foldwise-engines-"));
const checkout = join(scratch, "checkout");
const wheels = join(scratch, "wheels");
const index = join(scratch, "secret-index");
const INSTALL_MS = 120_000;

/** Arguments: folder, name, version, requirements. Prints the wheel's hash. */
const WHEEL = `
import hashlib, pathlib, sys, zipfile
folder, name, version, *needs = sys.argv[1:]
module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
texts = {
    f"{module}/__init__.py": f"build = '{version}'\\n",
    f"{module}/weights.py": "there = True\\n",
    f"{info}/METADATA": "\\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {need}" for need in needs), ""]),
    f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
texts[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*texts, f"{info}/RECORD"])
path = pathlib.Path(folder, f"{module}-{version}-py3-none-any.whl")
with zipfile.ZipFile(path, "w") as archive:
    for entry, text in texts.items():
        archive.writestr(zipfile.ZipInfo(entry), text)
print(hashlib.sha256(path.read_bytes()).hexdigest())
`;

/** Makes a wheel; returns what a lock says of it. */
function wheel(folder: string, name: string, version: string, ...needs: string[]): string {
  mkdirSync(folder, { recursive: true });
  const hash = execFileSync(python, ["-c", WHEEL, folder, name, version, ...needs], { encoding: "utf8" }).trim();
  return `${name}==${version} \\\n    --hash=sha256:${hash}\n`;
}

beforeAll(() => {
  for (const path of CHECKOUT) {
    cpSync(join(ROOT, path), join(checkout, path), { recursive: true });
  }
  mkdirSync(join(checkout, "src", "cli"), { recursive: true });
  writeFileSync(join(checkout, "src", "cli", "main.ts"), "export const built = 1;\n");
  symlinkSync(join(ROOT, "node_modules"), join(checkout, "node_modules"), "dir");
  const locks = join(checkout, "engine", "locks");
  cpSync(join(ROOT, "engine", "locks", "uv.txt"), join(locks, "uv.txt"));
  const write = (name: string, ...pins: string[]) => writeFileSync(join(locks, name), pins.join(""));
  const small = wheel(wheels, "fw-small", "1.0");
  write("base.txt", wheel(wheels, "fw-base", "1.0"));
  for (const name of ["xgboost-cpu.txt", "xgboost-cuda.txt"]) write(name, small);
  const cuda = wheel(wheels, "nvidia-fw", "1.0");
  write("neural.txt", cuda, wheel(wheels, "fw-pure", "1.0"), wheel(wheels, "torch", "99.0", "nvidia-fw", "fw-pure"));
  // No requirement of a build for the CPU names a CUDA part.
  wheel(join(index, "torch"), "torch", "99.0+cpu", "fw-pure");
  const [file] = readdirSync(join(index, "torch"));
  writeFileSync(join(index, "torch", "index.html"), `<a href="${encodeURIComponent(file!)}">${file}</a>\n`);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function script(name: string, args: string[], env: Record<string, string> = {}) {
  const offline = pathToFileURL(join(scratch, "no-index")).href;
  const began = Date.now();
  const { status, stderr } = spawnSync(process.execPath, [join(checkout, "scripts", name), ...args], {
    cwd: checkout,
    encoding: "utf8",
    env: {
      ...process.env,
      // No nvidia-smi, and no npm.
      PATH: scratch,
      FOLDWISE_PYTHON: python,
      FOLDWISE_ENGINES: "",
      FOLDWISE_TORCH_INDEX: "",
      PIP_FIND_LINKS: wheels,
      UV_FIND_LINKS: wheels,
      UV_DEFAULT_INDEX: offline,
      UV_CACHE_DIR: join(scratch, "uv-cache"),
      ...env,
    },
  });
  return { status, stderr, seconds: (Date.now() - began) / 1000 };
}
const installer = (venv: string, groups: string[], env: Record<string, string> = {}) =>
  script("install-engines.mjs", [venv, ...groups], env);

/** Module → build, of those that are there. */
function installed(venv: string): Record<string, string> {
  const modules = ["fw_base", "fw_small", "fw_pure", "nvidia_fw", "torch"];
  const code = `
import importlib, json
found = {}
for name in ${JSON.stringify(modules)}:
    try:
        importlib.import_module(name + ".weights")
        found[name] = importlib.import_module(name).build
    except ImportError:
        pass
print(json.dumps(found))`;
  return JSON.parse(execFileSync(join(venv, "bin", "python"), ["-c", code], { encoding: "utf8" }));
}
/** Is what was installed compiled before it is imported? */
function compiled(venv: string): boolean {
  const [lib] = readdirSync(join(venv, "lib"));
  return existsSync(join(venv, "lib", lib!, "site-packages", "fw_base", "__pycache__"));
}
const BASE = { fw_base: "1.0", fw_small: "1.0" };
const ALL = { ...BASE, fw_pure: "1.0", nvidia_fw: "1.0", torch: "99.0" };

describe("the two commands' set-up", () => {
  const venv = join(checkout, ".venv");

  it(
    "leaves torch out where FOLDWISE_ENGINES says tabular, and brings it, said and timed apart, where not",
    () => {
      const without = script("setup.mjs", [], { FOLDWISE_ENGINES: "tabular" });
      expect(without.status, without.stderr).toBe(0);
      expect(without.stderr).not.toContain("torch");
      expect(compiled(venv)).toBe(true);
      expect(installed(venv)).toEqual(BASE);
      expect(script("setup.mjs", [], { FOLDWISE_ENGINES: "tabular" }).stderr).toMatch(/^Set-up: nothing to do/);

      const all = script("setup.mjs", []);
      expect(all.status, all.stderr).toBe(0);
      expect(all.stderr).toMatch(/^ {2}FOLDWISE_ENGINES=tabular goes without torch.*\n {2}… installing torch/);
      expect(all.stderr).toMatch(/✓ installing torch [^\n]*neural\.txt [^\n]*once\) \([\d.]+ s\)\nSet-up done in/);
      expect(installed(venv)).toEqual(ALL);

      const again = script("setup.mjs", []);
      expect(again.stderr).toMatch(/^Set-up: nothing to do/);
      expect(again.seconds).toBeLessThan(2);
    },
    INSTALL_MS,
  );

  it("refuses a FOLDWISE_ENGINES that it does not know", () => {
    const { status, stderr } = script("setup.mjs", [], { FOLDWISE_ENGINES: "tabluar" });
    expect(stderr).toBe('FOLDWISE_ENGINES is "tabluar"; it may be tabular (without torch) or all, the default.\n');
    expect(status).toBe(2);
  });

  it(
    "says how to go without torch where it cannot be had",
    () => {
      rmSync(join(venv, ".foldwise-neural"));
      const env = { FOLDWISE_TORCH_INDEX: pathToFileURL(join(scratch, "no-index")).href };
      const { status, stderr } = script("setup.mjs", [], env);
      expect(stderr).toMatch(/could not be installed:\n[\s\S]*torch==99\.0\+cpu[\s\S]*\nFOLDWISE_ENGINES=tabular goes/);
      expect(status).toBe(1);
    },
    INSTALL_MS,
  );
});

describe("`foldwise doctor --install neural`", () => {
  const venv = join(scratch, "venv");

  it(
    "installs the base with it, and then nothing",
    () => {
      const first = installer(venv, ["neural"]);
      expect(first.status, first.stderr).toBe(0);
      expect(installed(venv)).toEqual(ALL);
      expect(installer(venv, ["neural"]).stderr).toMatch(/^Nothing to install/);
      expect(installer(venv, []).stderr).toMatch(/^Nothing to install/);
    },
    INSTALL_MS,
  );

  it(
    "makes whole what a cut-off installation has left, though its packages look installed",
    () => {
      const [lib] = readdirSync(join(venv, "lib"));
      rmSync(join(venv, "lib", lib!, "site-packages", "torch", "weights.py"));
      rmSync(join(venv, ".foldwise-neural"));
      writeFileSync(join(venv, ".foldwise-neural.begun"), "");
      expect(installed(venv)).not.toHaveProperty("torch");
      const mended = installer(venv, ["neural"]);
      expect(mended.status, mended.stderr).toBe(0);
      expect(installed(venv)).toEqual(ALL);
      expect(existsSync(join(venv, ".foldwise-neural.begun"))).toBe(false);
    },
    INSTALL_MS,
  );
});

describe("FOLDWISE_TORCH_INDEX", () => {
  // On macOS there is no other build than that for the CPU.
  it.skipIf(process.platform === "darwin")(
    "brings the CPU build of the same version from there, without CUDA parts, and it stays when the variable goes",
    () => {
      const venv = join(scratch, "venv-cpu");
      const { status, stderr } = installer(venv, ["neural"], { FOLDWISE_TORCH_INDEX: pathToFileURL(index).href });
      expect(status, stderr).toBe(0);
      const { nvidia_fw: _, ...others } = ALL;
      expect(installed(venv)).toEqual({ ...others, torch: "99.0+cpu" });
      // It may hold a password.
      expect(stderr).not.toContain("secret-index");
      expect(stderr).not.toContain("did not manage");
      expect(installer(venv, ["neural"]).stderr).toMatch(/^Nothing to install/);
    },
    INSTALL_MS,
  );
});
