import { resolve } from "node:path";
import type { z } from "zod";
import { allKeys } from "./allowed.js";
import { displayPath } from "./displayPath.js";
import { checkLayer, fileLayer, finish, type Layer, mergeLayers, settingsLayer, unknownSetting } from "./layers.js";
import { loadYaml } from "./loadYaml.js";
import { allSettings } from "./settings.js";

export interface FileConfigRequest {
  cwd: string;
  /** Relative to `cwd`. */
  file?: string;
  /** `--set`, as written. */
  set?: readonly string[];
  /** Named flags by their dotted key; undefined ones are left out. */
  flags?: Readonly<Record<string, unknown>>;
}

/** Flags and `--set` over one YAML file over a schema's defaults. Throws `config.*` with file, line and column. */
export function resolveFileConfig<S extends z.ZodObject>(schema: S, request: FileConfigRequest): z.output<S> {
  const layers: Layer[] = [];
  if (request.file !== undefined) {
    const path = resolve(request.cwd, request.file);
    const { file } = loadYaml(path, schema, displayPath(path, request.cwd));
    layers.push(fileLayer("config", file, file.value));
  }
  const settings = allSettings(request.set, request.flags);
  for (const setting of settings) {
    if (!((setting.path[0] ?? "") in schema.shape)) throw unknownSetting(setting, allKeys(schema));
  }
  const flags = settingsLayer(settings);
  checkLayer(flags, schema);
  layers.push(flags);
  return finish(schema, mergeLayers(layers), "configuration").value;
}
