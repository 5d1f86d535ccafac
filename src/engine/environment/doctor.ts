import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../files/index.js";
import { createPool } from "../pool/create.js";
import type { HelloResult } from "../protocol.js";
import { pythonEnvironment } from "./command.js";
import { tryImports } from "./imports.js";
import { lockedPackages } from "./locks.js";
import { checkNode, checkNodeModules } from "./node.js";
import { type EngineVersions, installedEngines } from "./packages.js";
import type { LookIn, PythonLocation } from "./python.js";

/** One line of `foldwise doctor`. */
export interface DoctorCheck {
  part: "node" | "python" | "engine";
  name: string;
  /** Of an engine package: what `foldwise doctor --install` takes to install it; else null. */
  group: string | null;
  /** `different`: works, but is not the version that Foldwise was tested with. `broken`: there, but does not load. */
  status: "ok" | "different" | "missing" | "broken";
  /** Versions. */
  found: string | null;
  wanted: string | null;
  /** What was seen where something is wrong. */
  detail: string | null;
  /** What mends it, as a sentence with the command. */
  remedy: string | null;
  /** Without it nothing works; the others only bring more models. */
  required: boolean;
}

export interface DoctorReport {
  /** Nothing that is required is missing or broken. */
  ok: boolean;
  python: PythonLocation;
  checks: DoctorCheck[];
  machine: {
    platform: string;
    cores: number;
    memoryBytes: number;
    /** As a worker finds them; empty where none starts. */
    devices: HelloResult["devices"];
  };
}

const IMPORT_TIMEOUT_MS = 120_000;

/** Looks at everything Foldwise stands on, by really loading it: Node, its native modules, Python, engines, a worker. Never rejects. */
export async function doctorReport(look: LookIn = {}): Promise<DoctorReport> {
  const { cwd = process.cwd(), env = process.env, root = packageRoot() } = look;
  const [nodeModules, installed] = await Promise.all([checkNodeModules(root), installedEngines(look)]);
  const python = checkPython(installed);
  const checks = [checkNode(root), ...nodeModules, python];
  let devices: HelloResult["devices"] = [];
  if (python.status !== "missing" && python.status !== "broken") {
    checks.push(...(await checkPackages(installed, { cwd, env, root })));
    const worker = await checkWorker({ cwd, env });
    checks.push(worker.check);
    devices = worker.devices;
  }
  return {
    ok: checks.every(({ required, status }) => !required || status === "ok" || status === "different"),
    python: installed.location,
    checks,
    machine: {
      platform: `${process.platform}-${process.arch}`,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      devices,
    },
  };
}

const SUPPORTED_PYTHON = /^3\.1[123]\./;

function checkPython({ location, python, problem }: EngineVersions): DoctorCheck {
  const supported = python !== null && SUPPORTED_PYTHON.test(python);
  const remedy =
    location.source === "override"
      ? "Correct or unset FOLDWISE_PYTHON, then run `foldwise doctor --install`."
      : "Run `foldwise doctor --install`.";
  return {
    part: "python",
    name: "python",
    group: null,
    status: python === null ? (location.found ? "broken" : "missing") : supported ? "ok" : "different",
    found: python,
    wanted: "3.11, 3.12 or 3.13",
    detail: problem ?? (supported ? null : "not a version that the engines are locked for"),
    remedy: supported ? null : remedy,
    required: true,
  };
}

async function checkPackages(
  installed: EngineVersions,
  { cwd, env, root }: { cwd: string; env: NodeJS.ProcessEnv; root: string },
): Promise<DoctorCheck[]> {
  const locked = lockedPackages(join(root, "engine", "locks"));
  const wanted = locked.sort((a, b) => Number(a.group !== "base") - Number(b.group !== "base"));
  const there = wanted.filter(({ name }) => installed.versions[name] !== undefined);
  const options = { cwd, env: pythonEnvironment(env, root), timeoutMs: IMPORT_TIMEOUT_MS };
  const imports = await tryImports(
    installed.location.python,
    there.map(({ module }) => module),
    options,
  );
  return wanted.map(({ name, version, group, module }) => {
    const found = installed.versions[name] ?? null;
    const failure = imports.get(module) ?? null;
    // A build of the same version for other hardware has a local version: 2.15.0+cpu.
    const same = found?.split("+")[0] === version;
    const status = found === null ? "missing" : failure !== null ? "broken" : same ? "ok" : "different";
    const remedy = `Run \`foldwise doctor --install${group === "base" ? "" : ` ${group}`}\`.`;
    const common = { part: "engine", name, group, status, found, wanted: version, detail: failure } as const;
    return { ...common, remedy: status === "ok" ? null : remedy, required: group === "base" };
  });
}

/** A worker that starts and answers is the proof that the parts fit together. */
async function checkWorker(look: {
  cwd: string;
  env: NodeJS.ProcessEnv;
}): Promise<{ check: DoctorCheck; devices: HelloResult["devices"] }> {
  const pool = createPool(look);
  const common = { part: "engine", name: "engine worker", group: null, wanted: null, required: true } as const;
  try {
    const { versions, devices } = await pool.hello();
    const found = versions.foldwise_engine ?? null;
    return { check: { ...common, status: "ok", found, detail: null, remedy: null }, devices };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const remedy = "Run `foldwise doctor --install`.";
    return { check: { ...common, status: "broken", found: null, detail, remedy }, devices: [] };
  } finally {
    await pool.close();
  }
}
