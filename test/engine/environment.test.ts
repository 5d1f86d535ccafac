/** Finding Python, and what `foldwise doctor` sees: with real interpreters, whole, missing and broken on purpose. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pythonEnvironment } from "../../src/engine/environment/command.js";
import { tryImports } from "../../src/engine/environment/imports.js";
import { lockedPackages } from "../../src/engine/environment/locks.js";
import { checkNode } from "../../src/engine/environment/node.js";
import { doctorReport, engineCommand, findPython, installedEngines, locatePython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { failureOf } from "./support.js";

const scratch = mkdtempSync(join(tmpdir(), "foldwise-environment-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A folder with the given files, path → text. */
function folder(files: Record<string, string> = {}): string {
  const root = mkdtempSync(join(scratch, "folder-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const CHECKOUT = { "src/files/package.ts": "" };

describe("Python is looked for", () => {
  test("in FOLDWISE_PYTHON before all else", () => {
    const cwd = folder({ "my/python": "", ".foldwise/venv/bin/python": "" });
    const look = { cwd, root: folder(), env: { FOLDWISE_PYTHON: join("my", "python") } };
    expect(locatePython(look)).toEqual({ source: "override", python: join(cwd, "my", "python"), found: true });
    const bare = { ...look, env: { FOLDWISE_PYTHON: "python3.12" } };
    expect(locatePython(bare)).toEqual({ source: "override", python: "python3.12", found: true });
  });

  test("in the environment that set-up made from FOLDWISE_PYTHON", () => {
    const root = folder({ ...CHECKOUT, ".venv/bin/python": "", ".venv/.foldwise-python": "/usr/bin/python3.12" });
    const look = { cwd: folder(), root, platform: "linux" } as const;
    expect(locatePython({ ...look, env: { FOLDWISE_PYTHON: "/usr/bin/python3.12" } }).source).toBe("checkout");
    expect(locatePython({ ...look, env: { FOLDWISE_PYTHON: "/usr/bin/python3.13" } }).source).toBe("override");
  });

  test("in a checkout's .venv, then in the project's .foldwise/venv", () => {
    const root = folder({ ...CHECKOUT, ".venv/bin/python": "" });
    const cwd = folder({ ".foldwise/venv/bin/python": "" });
    const look = { env: {}, platform: "linux", cwd } as const;
    expect(locatePython({ ...look, root })).toMatchObject({
      source: "checkout",
      python: join(root, ".venv/bin/python"),
    });
    rmSync(join(root, ".venv"), { recursive: true });
    expect(locatePython({ ...look, root })).toMatchObject({ source: "project", found: true });
  });

  test("only in the project by an installed package, whatever stands beside the package", () => {
    const root = folder({ ".venv/bin/python": "" });
    const cwd = folder();
    const python = join(cwd, ".foldwise", "venv", "bin", "python");
    const look = { cwd, root, env: {}, platform: "linux" } as const;
    expect(locatePython(look)).toMatchObject({ source: "project", python, found: false });
  });

  test("under Windows' own path", () => {
    const { python } = locatePython({ cwd: folder(), root: folder(), env: {}, platform: "win32" });
    expect(python).toMatch(/Scripts.python\.exe$/);
  });

  test("and its absence is an error that names what installs it", async () => {
    const absent = { cwd: folder(), root: folder(), env: {} };
    const error = await failureOf(Promise.resolve().then(() => findPython(absent)));
    expect(error.code).toBe("engine.not_installed");
    expect(error.remedy).toMatch(/foldwise doctor --install/);
    const named = { ...absent, env: { FOLDWISE_PYTHON: "/no/such/python" } };
    const override = await failureOf(Promise.resolve().then(() => engineCommand(named)));
    expect(override.message).toMatch(/FOLDWISE_PYTHON.*\/no\/such\/python/);
  });
});

describe("the locks", () => {
  test("name what every installation needs, with its version", () => {
    const packages = lockedPackages(join(packageRoot(), "engine", "locks"));
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["numpy", "msgspec", "scikit-learn", "onnx", "skops", "xgboost"]));
    expect(names).not.toEqual(expect.arrayContaining(["pytest"]));
    const xgboost = packages.find(({ name }) => name === "xgboost");
    expect(xgboost).toMatchObject({ group: "base", module: "xgboost", distributions: ["xgboost-cpu", "xgboost"] });
    const beyond = packages.filter(({ group }) => group !== "base").map(({ name, group }) => `${group}: ${name}`);
    expect(beyond).toEqual(["neural: torch", "neural: safetensors"]);
    expect(packages.every(({ version }) => /^\d+\./.test(version))).toBe(true);
  });

  test("beyond the base are groups of their own", () => {
    const locks = folder({ "neural.in": "torch==2.9.0\n", "neural.txt": "torch==2.9.0 \\\n    --hash=sha256:00\n" });
    expect(lockedPackages(locks)).toEqual([
      { name: "torch", version: "2.9.0", group: "neural", distributions: ["torch"], module: "torch" },
    ]);
  });
});

describe("what is installed", () => {
  test("is told without importing it, by the names that models use", async () => {
    const { python, versions, problem } = await installedEngines();
    expect([problem, python]).toEqual([null, expect.stringMatching(/^3\.1[123]\./)]);
    expect(versions).toMatchObject({ xgboost: expect.any(String), "scikit-learn": expect.any(String) });
  });

  test("is nothing, with the reason, where there is no Python or a broken one", async () => {
    expect(await installedEngines({ cwd: folder(), root: folder(), env: {} })).toMatchObject({
      python: null,
      versions: {},
      problem: expect.stringMatching(/there is no/),
    });
    const fake = join(folder({ python: "#!/bin/sh\necho Segmentation fault >&2; exit 3\n" }), "python");
    chmodSync(fake, 0o755);
    const broken = await installedEngines({ env: { FOLDWISE_PYTHON: fake } });
    expect(broken).toMatchObject({ python: null, problem: "Segmentation fault" });
  });
});

test("a module that raises, dies or never returns is broken, and the others are still tried", async () => {
  const modules = folder({
    "raises.py": "raise ImportError('libomp is missing')",
    "dies.py": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "leaves.py": "import os; os._exit(0)",
    "hangs.py": "import time; time.sleep(3600)",
    "prints.py": "print('ok')",
  });
  const env = pythonEnvironment({ PYTHONPATH: modules }, packageRoot());
  const names = ["json", "raises", "dies", "leaves", "hangs", "prints"];
  const outcomes = await tryImports(findPython().python, names, { cwd: scratch, env, timeoutMs: 3000 });
  expect(Object.fromEntries(outcomes)).toEqual({
    json: null,
    raises: "ImportError: libomp is missing",
    dies: "it died (SIGKILL)",
    leaves: "it ended the process",
    hangs: "no answer after 3 s",
    prints: null,
  });
});

test("an old Node is told so", () => {
  const check = (version: string) => checkNode(packageRoot(), version).status;
  expect(["18.20.0", "20.18.9", "20.19.0", "22.0.0"].map(check)).toEqual(["broken", "broken", "ok", "ok"]);
});

describe("the doctor", () => {
  const manifest = JSON.stringify({ engines: { node: ">=20.19" }, dependencies: { "onnxruntime-node": "1.0.0" } });

  test("finds the missing, the broken and the different, and names what mends each", async () => {
    // A package of our own making: no node_modules, a lock that asks for more than there is, and an xgboost that does not load.
    const root = folder({
      "package.json": manifest,
      "engine/locks/base.in": "msgspec==99.0\nxgboost==3.2.0\nnot-on-this-machine==1.0\n",
      "engine/locks/base.txt": "msgspec==99.0 \\\nxgboost==3.2.0 \\\nnot-on-this-machine==1.0 \\\n",
    });
    const broken = folder({ "xgboost/__init__.py": "raise ImportError('libomp is missing')" });
    const env = { FOLDWISE_PYTHON: findPython().python, PYTHONPATH: broken };
    const report = await doctorReport({ root, env, cwd: folder() });
    const check = (name: string) => report.checks.find((entry) => entry.name === name);
    expect(report.ok).toBe(false);
    expect(check("python")?.status).toBe("ok");
    expect(check("msgspec")).toMatchObject({ status: "different", wanted: "99.0" });
    expect(check("xgboost")).toMatchObject({ status: "broken", detail: "ImportError: libomp is missing" });
    expect(check("not-on-this-machine")).toMatchObject({ status: "missing", found: null });
    expect(check("onnxruntime-node")).toMatchObject({ status: "missing", wanted: "1.0.0" });
    for (const { status, remedy } of report.checks)
      expect(status === "ok" || /`(foldwise|npm) /.test(remedy ?? "")).toBe(true);
  });

  test("takes a group beyond the base for optional, and a build for other hardware for the same version", async () => {
    const lock = "numpy==9.9.0 \\\nnot-on-this-machine==1.0 \\\n";
    const root = folder({
      "package.json": manifest,
      "engine/locks/neural.in": "numpy==9.9.0\nnot-on-this-machine==1.0\n",
      "engine/locks/neural.txt": lock,
    });
    const cpu = folder({
      "numpy/__init__.py": "",
      "numpy-9.9.0+cpu.dist-info/METADATA": "Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.0+cpu\n",
    });
    const env = { FOLDWISE_PYTHON: findPython().python, PYTHONPATH: cpu };
    const { checks } = await doctorReport({ root, env, cwd: folder() });
    const optional = { group: "neural", required: false };
    expect(checks.find(({ name }) => name === "numpy")).toMatchObject({
      ...optional,
      status: "ok",
      found: "9.9.0+cpu",
    });
    expect(checks.find(({ name }) => name === "not-on-this-machine")).toMatchObject({
      ...optional,
      status: "missing",
      remedy: "Run `foldwise doctor --install neural`.",
    });
  });

  test("does not need Python to answer", async () => {
    const root = folder({ "package.json": manifest });
    const report = await doctorReport({ root, env: {}, cwd: folder() });
    expect(report.ok).toBe(false);
    expect(report.checks.find(({ name }) => name === "python")).toMatchObject({
      status: "missing",
      remedy: expect.stringMatching(/foldwise doctor --install/),
    });
    expect(report.machine.memoryBytes).toBeGreaterThan(0);
  });
});

test("our package stands before what the user's PYTHONPATH has", () => {
  const paths = pythonEnvironment({ PYTHONPATH: "/mine" }, "/root").PYTHONPATH?.split(delimiter);
  expect(paths).toEqual([join("/root", "engine"), "/mine"]);
});
