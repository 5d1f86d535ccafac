import { z } from "zod";
import { packageRoot } from "../../files/index.js";
import { capture } from "./capture.js";
import { pythonEnvironment } from "./command.js";
import { engineName, normalisedName } from "./locks.js";
import { type LookIn, locatePython, type PythonLocation } from "./python.js";

/** What the engine environment holds, found without importing any of it. */
export interface EngineVersions {
  location: PythonLocation;
  /** Python's own version; null where it does not run. */
  python: string | null;
  /**
   * Distribution (normalised) → version, and `xgboost` also where `xgboost-cpu` provides it. Empty where Python does not run.
   * What `missingPackages` of the models room takes.
   */
  versions: Record<string, string>;
  /** Why Python does not run; null where it does. */
  problem: string | null;
}

/** By hand: `importlib.metadata` takes 0.2 s to parse what else stands in these files. */
const SCRIPT = `
import json, os, sys
def facts(folder):
    for name in ("METADATA", "PKG-INFO"):
        try:
            lines = open(os.path.join(folder, name), encoding="utf-8", errors="replace")
        except OSError:
            continue
        found = {}
        with lines:
            for line in lines:
                key, colon, value = line.partition(":")
                if not colon or len(found) == 2:
                    break
                if key in ("Name", "Version"):
                    found.setdefault(key, value.strip())
        return found
    return {}
packages = {}
for folder in sys.path:
    try:
        entries = os.listdir(folder or ".")
    except OSError:
        continue
    for entry in entries:
        if entry.endswith((".dist-info", ".egg-info")):
            found = facts(os.path.join(folder, entry))
            if found.get("Name"):
                packages.setdefault(found["Name"], found.get("Version"))
print(json.dumps({"python": sys.version.split()[0], "packages": packages}))
`;
const answer = z.object({ python: z.string(), packages: z.record(z.string(), z.string().nullable()) });

const TIMEOUT_MS = 30_000;

/** Which engines are installed: one short Python process (about 0.05 s). Never rejects. */
export async function installedEngines(look: LookIn = {}): Promise<EngineVersions> {
  const { cwd = process.cwd(), env = process.env, root = packageRoot() } = look;
  const location = locatePython(look);
  const nothing = (problem: string): EngineVersions => ({ location, python: null, versions: {}, problem });
  if (!location.found) return nothing(`there is no ${location.python}`);
  const options = { cwd, env: pythonEnvironment(env, root), timeoutMs: TIMEOUT_MS };
  const { stdout, problem } = await capture(location.python, ["-c", SCRIPT], options);
  if (problem !== null) return nothing(problem);
  const parsed = answer.safeParse(parseJson(stdout));
  if (!parsed.success) return nothing("its answer could not be read");
  const versions: Record<string, string> = {};
  for (const [name, version] of Object.entries(parsed.data.packages)) {
    versions[normalisedName(name)] = version ?? "unknown";
    versions[engineName(name)] ??= version ?? "unknown";
  }
  return { location, python: parsed.data.python, versions, problem: null };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
