import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadPlugins, ModelRegistry } from "../../src/models/index.js";
import { FoldwiseError, seededRandom } from "../../src/types/index.js";

const CENTROID = "examples/plugins/nearest_centroid/nearest_centroid.js";
const EXTRA_TREES = "examples/plugins/extra_trees/extra_trees.js";

function folder(files: Record<string, string> = {}): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "foldwise-plugin-")));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

async function refusal(files: Record<string, string>, path = "plugin.mjs"): Promise<FoldwiseError> {
  const dir = folder(files);
  try {
    await loadPlugins([path], dir, new ModelRegistry());
  } catch (error) {
    if (error instanceof FoldwiseError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** A whole plug-in, with `change` put over its fields. */
const plugin = (change = "", methods = "create() {}, load() {},"): string => `
  export default ({ z }) => ({
    kind: "typescript", id: "mine", title: "Mine",
    capabilities: { input: "tabular", earlyStopping: false, missingValues: "impute", importance: "permutation", devices: ["cpu"], scaler: false },
    params: z.strictObject({ depth: z.int().default(3).describe("Depth.") }),
    training: z.strictObject({}),
    ${methods}
    ${change}
  });`;

describe("plug-ins", () => {
  it("register a model, with defaults for what they leave out", async () => {
    const registry = new ModelRegistry();
    await loadPlugins(["plugin.mjs"], folder({ "plugin.mjs": plugin() }), registry);
    expect(registry.getModel("mine")).toMatchObject({
      kind: "typescript",
      family: "plugin",
      presets: { market: { model_params: {}, training: {} }, reference: { model_params: {}, training: {} } },
      searchSpace: {},
      ignoredKeys: {},
    });
  });

  it("are loaded once, however often they are named", async () => {
    const registry = new ModelRegistry();
    const dir = folder({ "plugin.mjs": plugin() });
    await loadPlugins(["plugin.mjs", "./plugin.mjs"], dir, registry);
    await loadPlugins(["plugin.mjs"], dir, registry);
    expect(registry.listAll()).toHaveLength(1);
  });

  it("may bring a Python adapter, found beside the module", async () => {
    const registry = new ModelRegistry();
    await loadPlugins([EXTRA_TREES], process.cwd(), registry);
    const definition = registry.getModel("extra_trees");
    expect(definition.kind === "engine" && definition.adapter).toBe(
      join(process.cwd(), "examples/plugins/extra_trees/extra_trees.py"),
    );
  });

  it("refuse a name that is taken", async () => {
    const registry = new ModelRegistry();
    const dir = folder({ "a.mjs": plugin(), "b.mjs": plugin() });
    await expect(loadPlugins(["a.mjs", "b.mjs"], dir, registry)).rejects.toMatchObject({ code: "model.duplicate" });
  });

  it.each([
    ["a file that is not there", {}, "model.plugin_not_found", "There is no plug-in plugin.mjs."],
    [
      "a module with an error in it",
      { "plugin.mjs": "export default {" },
      "model.plugin_failed",
      "could not be loaded",
    ],
    ["a module that throws", { "plugin.mjs": "throw new Error('no luck')" }, "model.plugin_failed", "no luck"],
    ["no default export", { "plugin.mjs": "export const x = 1;" }, "model.bad_plugin", "default export: "],
    ["another kind", { "plugin.mjs": plugin('kind: "rust",') }, "model.bad_plugin", "kind: "],
    ["a missing function", { "plugin.mjs": plugin("create: 3,") }, "model.bad_plugin", "create: must be a function"],
    [
      "a schema that is none",
      { "plugin.mjs": plugin("params: {},") },
      "model.bad_plugin",
      "params: must be a zod object",
    ],
    [
      "a misspelt field",
      { "plugin.mjs": plugin("searchspace: {},") },
      "model.bad_plugin",
      'Unrecognized key: "searchspace"',
    ],
    ["an id that may not reach a path", { "plugin.mjs": plugin('id: "../x",') }, "model.bad_definition", "id must be"],
    [
      "a key without a description",
      { "plugin.mjs": plugin("training: z.strictObject({ rounds: z.int().default(1) }),") },
      "model.bad_definition",
      "training.rounds has no description",
    ],
    [
      "a key without a default",
      { "plugin.mjs": plugin('training: z.strictObject({ rounds: z.int().describe("Rounds.") }),') },
      "model.bad_definition",
      "training without values.rounds",
    ],
    [
      "a search dimension of a kind that is none",
      { "plugin.mjs": plugin('searchSpace: { "model_params.depth": { type: "whole", low: 1, high: 2 } },') },
      "model.bad_plugin",
      "searchSpace.model_params.depth.type",
    ],
    [
      "a condition on a key that is not there",
      {
        "plugin.mjs": plugin(
          'searchSpace: { "model_params.depth": { type: "int", low: 1, high: 2, when: { key: "model_params.x", in: [1] } } },',
        ),
      },
      "model.bad_definition",
      "has a condition on model_params.x, which is not a key of the model",
    ],
    [
      "a Python adapter that is missing",
      { "plugin.mjs": plugin('kind: "engine", engine: { packages: [] }, adapter: "mine.py",', "") },
      "model.plugin_adapter",
      "names mine.py, which is missing",
    ],
  ])("refuse %s", async (_, files, code, message) => {
    const error = await refusal(files as Record<string, string>);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.remedy).toBeTruthy();
    expect(error.exitCode).toBe(2);
  });
});

describe("the example written in JavaScript", () => {
  it("learns, honours weights, and predicts the same after save and load", async () => {
    const registry = new ModelRegistry();
    await loadPlugins([CENTROID], process.cwd(), registry);
    const definition = registry.getModel("nearest_centroid");
    if (definition.kind !== "typescript") throw new Error("expected a TypeScript model");
    const config = { model_params: definition.params.parse({}), training: {} };

    const random = seededRandom(7);
    const y = Int8Array.from({ length: 600 }, () => random.int(3) - 1);
    const data = Float32Array.from({ length: 1200 }, (_, i) =>
      i % 50 === 49 ? Number.NaN : random.normal() + (i % 2 === 0 ? 2 * y[i >> 1]! : 0),
    );
    const X = { data, shape: [600, 2] as const, featureNames: ["signal", "noise"] };
    const model = definition.create(config);
    const metrics = await model.fit(X, y, X, y);
    expect(metrics.valAccuracy).toBeGreaterThan(0.6);
    expect(metrics.valLoss).toBeLessThan(Math.log(3));
    const before = await model.predict(X);
    for (let row = 0; row < 600; row += 1) {
      const sum = before.probabilities.subarray(row * 3, row * 3 + 3).reduce((a, b) => a + b);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
    }

    const dir = folder();
    await model.save(dir);
    expect(await (await definition.load(dir)).predict(X)).toEqual(before);

    const weighted = definition.create(config);
    await weighted.fit(X, y, X, y, { sampleWeights: Float32Array.from(y, (label) => (label === 1 ? 5 : 1)) });
    const long = (output: { predictions: Int8Array }) => output.predictions.filter((label) => label === 1).length;
    expect(long(await weighted.predict(X))).toBeGreaterThan(long(before));
  });
});
