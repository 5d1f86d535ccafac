import { existsSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { FoldwiseError } from "../types/index.js";
import type { ModelDefinition } from "./definition.js";
import { ModelRegistry } from "./registry.js";
import { searchDimension } from "./space/schema.js";

/** A zod object of any copy of zod 4: a plug-in may bring its own. */
const zodObject = z.custom<z.ZodObject>(
  (value) => (value as z.ZodObject | undefined)?._zod?.def?.type === "object" && "shape" in (value as z.ZodObject),
  "must be a zod object: z.strictObject({…})",
);
const values = z.record(z.string(), z.unknown());
const preset = z.strictObject({ model_params: values.default({}), training: values.default({}) });
const fn = z.custom<(...args: never[]) => unknown>((value) => typeof value === "function", "must be a function");

const base = {
  id: z.string(),
  family: z.enum(["boosting", "neural", "classical", "ensemble", "plugin"]).default("plugin"),
  title: z.string().min(1),
  capabilities: z.strictObject({
    input: z.enum(["tabular", "sequence"]),
    earlyStopping: z.boolean(),
    missingValues: z.enum(["native", "impute"]),
    importance: z.enum(["gain", "permutation"]),
    devices: z.array(z.enum(["cpu", "cuda"])).min(1),
    scaler: z.boolean(),
    importanceRows: z.int().min(1).optional(),
    probabilityRows: z.number().gt(0).lt(1).optional(),
  }),
  params: zodObject,
  training: zodObject,
  presets: z.strictObject({ market: preset.prefault({}), reference: preset.prefault({}) }).prefault({}),
  ignoredKeys: z.record(z.string(), z.string()).default({}),
  oldSpellings: z
    .array(
      z.strictObject({
        key: z.string(),
        value: z.string().optional(),
        to: z.union([z.strictObject({ key: z.string() }), z.strictObject({ value: z.unknown() }), z.null()]),
        device: z.enum(["cpu", "cuda"]).optional(),
      }),
    )
    .default([]),
  searchSpace: z.record(z.string(), searchDimension).default({}),
};

const definitionSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("engine"),
    ...base,
    engine: z.strictObject({ packages: z.array(z.string()), group: z.enum(["base", "neural"]).default("base") }),
    /** A path beside the module. */
    adapter: z.string().min(1),
  }),
  z.strictObject({ kind: z.literal("typescript"), ...base, create: fn, load: fn }),
]);

const loaded = new WeakMap<ModelRegistry, Set<string>>();
const origins = new WeakMap<ModelDefinition, string>();

/**
 * The plug-in that a definition came from, as written in the configuration; null for built-in models. Of an absolute path the
 * name alone: it goes into bundles, and whoever is given one has other folders.
 */
export function pluginOf(definition: ModelDefinition): string | null {
  const origin = origins.get(definition) ?? null;
  return origin !== null && isAbsolute(origin) ? basename(origin) : origin;
}

/**
 * Imports plug-in modules and registers the model that each exports by default: a `ModelDefinition`, or a function
 * that is given `{ z }` and returns one (so that the module needs no imports of its own). Paths are relative to `baseDir`; a module that
 * this registry has already loaded is left alone. What a module omits has the defaults of the guide
 * (`family: plugin`, empty presets, no search space).
 *
 * Throws `model.plugin_not_found`, `model.plugin_failed` (it could not be imported), `model.bad_plugin` (its export
 * is no definition), `model.plugin_adapter` (its Python file is missing), and what `register` throws.
 */
export async function loadPlugins(
  paths: readonly string[],
  baseDir: string,
  registry: ModelRegistry = ModelRegistry.shared,
): Promise<void> {
  const done = loaded.get(registry) ?? new Set<string>();
  loaded.set(registry, done);
  for (const written of paths) {
    const path = resolve(baseDir, written);
    if (done.has(path)) continue;
    const definition = toDefinition(await importDefault(path, written), path, written);
    registry.register(definition);
    origins.set(definition, written);
    done.add(path);
  }
}

async function importDefault(path: string, written: string): Promise<unknown> {
  if (!existsSync(path)) {
    throw new FoldwiseError("model.plugin_not_found", `There is no plug-in ${written}.`, {
      remedy: `Plug-in paths are relative to the working folder; looked for ${path}.`,
    });
  }
  // Importing a pipe or a device would wait for its end.
  if (!statSync(path).isFile()) {
    throw new FoldwiseError("model.plugin_failed", `Plug-in ${written} is no regular file.`, {
      remedy: "Name a JavaScript module.",
      details: { plugin: written },
    });
  }
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
    return typeof module.default === "function" ? await module.default({ z }) : module.default;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FoldwiseError("model.plugin_failed", `Plug-in ${written} could not be loaded: ${message}`, {
      remedy: /\.[cm]?ts$/.test(path)
        ? "Compile it to JavaScript, or run it on a Node that strips types (22.18 or newer)."
        : "Mend the module; `node` on it alone shows the same error.",
      cause,
    });
  }
}

function toDefinition(exported: unknown, path: string, written: string): ModelDefinition {
  const parsed = definitionSchema.safeParse(exported);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.length === 0 ? "default export" : path.join(".")}: ${message}`,
    );
    throw new FoldwiseError(
      "model.bad_plugin",
      `Plug-in ${written} does not export a model definition:\n  - ${problems.join("\n  - ")}`,
      {
        remedy: "Export a ModelDefinition by default; docs/guides/MODEL_INTEGRATION_GUIDE.md shows one.",
        details: { plugin: written, problems },
      },
    );
  }
  // The schema has checked everything but the signatures of `create` and `load`, which only running them can.
  const definition = parsed.data as ModelDefinition;
  if (definition.kind !== "engine" || definition.adapter === null) return definition;
  const adapter = resolve(dirname(path), definition.adapter);
  if (!existsSync(adapter)) {
    throw new FoldwiseError(
      "model.plugin_adapter",
      `Plug-in ${written} names ${definition.adapter}, which is missing.`,
      {
        remedy: `Put the Python adapter at ${adapter}.`,
      },
    );
  }
  return { ...definition, adapter };
}
