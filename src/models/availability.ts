import { FoldwiseError } from "../types/index.js";
import type { ModelDefinition } from "./definition.js";

/** The engine packages that `definition` needs and `versions` (of the worker's `hello`) lacks. */
export function missingPackages(definition: ModelDefinition, versions: Readonly<Record<string, string>>): string[] {
  if (definition.kind !== "engine") return [];
  return definition.engine.packages.filter((name) => versions[name] === undefined);
}

/** Throws `model.unavailable`, with the command that mends it, where a package of the model's engine is missing. */
export function requireAvailable(definition: ModelDefinition, versions: Readonly<Record<string, string>>): void {
  const missing = missingPackages(definition, versions);
  if (missing.length === 0 || definition.kind !== "engine") return;
  throw new FoldwiseError(
    "model.unavailable",
    `Model "${definition.id}" is not available: ${missing.join(", ")} is not installed in the engine environment.`,
    { remedy: `Run \`${installCommand(definition)}\`.`, details: { model: definition.id, missing } },
  );
}

/** What installs a model's engine. */
export function installCommand(definition: ModelDefinition): string {
  const group = definition.kind === "engine" && definition.engine.group !== "base" ? ` ${definition.engine.group}` : "";
  return `foldwise doctor --install${group}`;
}
