import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ModelDefinition, ModelRegistry } from "../models/index.js";
import { didYouMean, FoldwiseError } from "../types/index.js";
import { configFolders, loadModelFile } from "./configFile.js";
import { displayPath } from "./displayPath.js";
import type { LayerName } from "./layers.js";
import type { ResolvedTraining } from "./resolveTraining.js";
import { isTree, type Path, type Tree, valueAt } from "./tree.js";
import type { YamlFile } from "./yaml/read.js";

/** A model's file, or the entry of a bigger file. */
export interface ModelFile {
  layer: LayerName;
  file: YamlFile;
  base: Path;
  value: Tree;
}

/** The model's own files, weakest first. */
export function modelFiles(
  definition: ModelDefinition,
  { call }: ResolvedTraining,
  models: readonly ModelDefinition[],
): ModelFile[] {
  const files: ModelFile[] = [];
  const folders = configFolders(call.cwd);
  for (const [layer, folder] of [
    ["package", folders.packaged],
    ["user", folders.user],
  ] as const) {
    if (folder === null) continue;
    const path = join(folder, "models", `${definition.id}.yaml`);
    if (!existsSync(path)) continue;
    const file = loadModelFile(path, displayPath(path, call.cwd));
    files.push({ layer, file, base: [], value: file.value });
  }
  const tuned = call.tuned?.(definition.id) ?? null;
  if (tuned !== null) {
    const file = loadModelFile(tuned, displayPath(tuned, call.cwd));
    files.push({ layer: "config", file, base: [], value: file.value });
  }
  if (call.configFile === null) return files;
  const { kind, file } = call.configFile;
  if (kind === "model") {
    if (models.length > 1) {
      throw new FoldwiseError(
        "config.model_file_for_many",
        `${file.name} is one model's file, but ${models.length} models are asked for.`,
        { remedy: `Name one --model, or put its content under models: {${definition.id}: …}.` },
      );
    }
    if (models.includes(definition)) files.push({ layer: "config", file, base: [], value: file.value });
    return files;
  }
  const entries = file.value.models;
  if (!isTree(entries)) return files;
  for (const id of Object.keys(entries)) checkModelId(id, models, file.position(["models", id], "key"));
  const value = valueAt(entries, [definition.id]);
  if (isTree(value)) files.push({ layer: "config", file, base: ["models", definition.id], value });
  return files;
}

/** Throws for a name below `models.` that no registered model has. */
export function checkModelId(id: string, models: readonly ModelDefinition[], place: string): void {
  const known = [...new Set([...models, ...ModelRegistry.listAll()].map((definition) => definition.id))];
  if (known.includes(id)) return;
  throw new FoldwiseError("config.unknown_key", `${place}: there is no model named "${id}"${didYouMean(id, known)}`, {
    remedy: `Models: ${known.join(", ")}.`,
  });
}
