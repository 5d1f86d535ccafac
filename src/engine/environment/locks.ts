import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package that a lock installs because we ask for it, not because another needs it. */
export interface LockedPackage {
  /** Distribution name, normalised (PEP 503). */
  name: string;
  version: string;
  /** What `foldwise doctor --install` takes; `base` is needed by every installation. */
  group: string;
  /** Any one of these distributions provides it. */
  distributions: readonly string[];
  /** The Python module to import. */
  module: string;
}

/** Distributions that provide another's module under a name of their own: a smaller build for machines without a GPU. */
const SAME_AS: Record<string, string> = { "xgboost-cpu": "xgboost" };
const MODULES: Record<string, string> = { "scikit-learn": "sklearn" };
/** Locks of the base group, and those that no model needs. */
const BASE_LOCKS = new Set(["base", "xgboost-cpu", "xgboost-cuda"]);
const TOOL_LOCKS = new Set(["dev", "uv"]);

/** PEP 503: case, `-`, `_` and `.` make no difference. */
export function normalisedName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** The name under which models ask for a distribution: `xgboost` for `xgboost-cpu`. */
export function engineName(distribution: string): string {
  const name = normalisedName(distribution);
  return SAME_AS[name] ?? name;
}

/** What the locks in `folder` (`engine/locks`) install, in the order of the files' names. */
export function lockedPackages(folder: string): LockedPackage[] {
  const found = new Map<string, LockedPackage>();
  for (const file of readdirSync(folder).sort()) {
    const lock = /^(.+)\.in$/.exec(file)?.[1];
    if (lock === undefined || TOOL_LOCKS.has(lock)) continue;
    const versions = pinned(join(folder, `${lock}.txt`));
    for (const distribution of asked(join(folder, file))) {
      const version = versions.get(distribution);
      if (version === undefined) continue;
      const name = engineName(distribution);
      const known = found.get(name);
      found.set(name, {
        name,
        version,
        group: BASE_LOCKS.has(lock) ? "base" : lock,
        distributions: [...(known?.distributions ?? []), distribution],
        module: MODULES[name] ?? name.replaceAll("-", "_"),
      });
    }
  }
  return [...found.values()];
}

/** Names at the line starts of a requirements file. */
function asked(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line) => /^[A-Za-z0-9][\w.-]*/.exec(line)?.[0] ?? []).map(normalisedName);
}

/** `name==version` lines of a lock. */
function pinned(path: string): Map<string, string> {
  if (!existsSync(path)) return new Map();
  const versions = new Map<string, string>();
  for (const match of readFileSync(path, "utf8").matchAll(/^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)/gm)) {
    versions.set(normalisedName(match[1]!), match[2]!);
  }
  return versions;
}
