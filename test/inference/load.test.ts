import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { BundleSpec } from "../../src/artifacts/index.js";
import { loadModel } from "../../src/inference/index.js";
import { ModelRegistry, type TypeScriptModelDefinition } from "../../src/models/index.js";
import type { FeatureArray, FeatureMatrix } from "../../src/types/index.js";
import { bundle, folder, pipeline, trees } from "./fixtures.js";
import { largest, rowsArray, sequenceBundle, series, windowOf } from "./sequences.js";

const X: FeatureArray = { data: trees.X, shape: [trees.rows, 4], featureNames: trees.features };

describe("loadModel", () => {
  it("serves a bundle in plain Node", async () => {
    const model = await loadModel(await bundle());
    const { probabilities, ...rest } = await model.predict(X);
    expect(Object.keys(rest).sort()).toEqual(["confidence", "predictions"]);
    expect(Math.max(...probabilities.map((p, i) => Math.abs(p - trees.native[i]!)))).toBeLessThan(1e-6);
    expect(await model.predictRow(trees.X.slice(0, 4))).toEqual(probabilities.slice(0, 3));
    expect([model.featureNames, model.pipeline]).toEqual([trees.features, pipeline]);
    await model.close();
  });

  it("saves a copy that serves alike", async () => {
    const model = await loadModel(await bundle());
    const copy = join(folder(), "copy");
    await model.save(copy);
    expect(await (await loadModel(copy)).predict(X)).toEqual(await model.predict(X));
  });

  it("refuses to fit, and says how to train", async () => {
    const model = await loadModel(await bundle());
    await expect(model.fit(X, new Int8Array(50), X, new Int8Array(50))).rejects.toMatchObject({
      code: "model.cannot_fit",
      remedy: expect.stringContaining("trainModel"),
    });
  });

  it("refuses a bundle whose graph was changed", async () => {
    const dir = await bundle();
    const bytes = readFileSync(join(dir, "model.onnx"));
    bytes[100]! ^= 1;
    writeFileSync(join(dir, "model.onnx"), bytes);
    await expect(loadModel(dir)).rejects.toMatchObject({ code: "bundle.hash_mismatch" });
  });

  it("serves a sequence model's windows", async () => {
    const model = await loadModel(await sequenceBundle());
    expect([model.seqLen, model.featureNames]).toEqual([series.seqLen, series.features]);
    const { probabilities, rows } = await model.predict(rowsArray());
    expect(largest(probabilities, series.lstm)).toBeLessThan(1e-6);
    expect(rows?.at(0)).toBe(series.seqLen - 1);
    expect(await model.predictWindow(windowOf(9))).toEqual(probabilities.slice(15, 18));
    await expect(model.predictRow(new Float32Array(3))).rejects.toMatchObject({ code: "model.takes_windows" });
    expect((await loadModel(await bundle())).seqLen).toBeNull();
  });

  it("refuses a sequence bundle that does not say how long its windows are, or says another length than its graph", async () => {
    await expect(loadModel(await sequenceBundle({ seq_len: null }))).rejects.toMatchObject({
      code: "bundle.not_a_bundle",
    });
    await expect(loadModel(await sequenceBundle({ seq_len: 6 }))).rejects.toMatchObject({ code: "bundle.bad_graph" });
  });
});

describe("a TypeScript plug-in's bundle", () => {
  const files = { "shares.json": { text: "[0.25, 0.5, 0.25]" } };
  const plugged = (more: Partial<BundleSpec> = {}) =>
    bundle({
      model: "shares",
      kind: "typescript",
      family: "plugin",
      plugin: "plugins/shares.mjs",
      native: null,
      files,
      ...more,
    });

  const definition = (
    answer: (p: number[]) => number[] = (p) => p,
    onRows: (rows: FeatureMatrix) => void = () => {},
  ): TypeScriptModelDefinition => ({
    id: "shares",
    family: "plugin",
    title: "Class shares",
    kind: "typescript",
    capabilities: {
      input: "tabular",
      earlyStopping: false,
      missingValues: "native",
      importance: "permutation",
      devices: ["cpu"],
      scaler: false,
    },
    params: z.strictObject({}),
    training: z.strictObject({}),
    presets: {
      market: { model_params: {}, training: {} },
      reference: { model_params: {}, training: {} },
    },
    ignoredKeys: {},
    oldSpellings: [],
    searchSpace: {},
    create: () => {
      throw new Error("not needed here");
    },
    load: async (dir) => {
      const shares = answer(JSON.parse(readFileSync(join(dir, "shares.json"), "utf8")) as number[]);
      return {
        fit: () => Promise.reject(new Error("not needed here")),
        save: () => Promise.reject(new Error("not needed here")),
        predict: async (rows) => {
          onRows(rows);
          const n = rows.shape[0];
          const probabilities = Float32Array.from({ length: 3 * n }, (_, i) => shares[i % 3]!);
          return { probabilities, predictions: new Int8Array(n), confidence: new Float32Array(n).fill(0.5) };
        },
      };
    },
  });

  it("is served by its plug-in, with the same checks of features", async () => {
    const model = await loadModel(await plugged(), { registry: new ModelRegistry([definition()]) });
    expect((await model.predict(X)).confidence).toEqual(new Float32Array(50).fill(0.5));
    expect(await model.predictRow(new Float32Array(4))).toEqual(Float32Array.of(0.25, 0.5, 0.25));
    await expect(model.predict({ ...X, featureNames: [...trees.features].reverse() })).rejects.toMatchObject({
      code: "bundle.features_reordered",
    });
  });

  it("gets windows where it is a sequence model", async () => {
    const shapes: (readonly number[])[] = [];
    const registry = new ModelRegistry([
      definition(
        (p) => p,
        (rows) => shapes.push(rows.shape),
      ),
    ]);
    const model = await loadModel(await plugged({ input: "sequence", seq_len: 10 }), { registry });
    const { rows } = await model.predict(X);
    expect(rows).toEqual(Int32Array.from({ length: 41 }, (_, i) => i + 9));
    expect(await model.predictWindow(new Float32Array(40))).toEqual(Float32Array.of(0.25, 0.5, 0.25));
    expect(shapes).toEqual([
      [41, 10, 4],
      [1, 10, 4],
    ]);
    await expect(model.predictRow(new Float32Array(4))).rejects.toMatchObject({ code: "model.takes_windows" });
  });

  it("is refused when the plug-in is not loaded, naming it", async () => {
    const loading = loadModel(await plugged(), { registry: new ModelRegistry() });
    await expect(loading).rejects.toMatchObject({
      code: "bundle.plugin_missing",
      message: "The model shares comes from the plug-in plugins/shares.mjs, which is not loaded.",
      remedy: expect.stringContaining("plugins/shares.mjs"),
    });
  });

  it("throws when the plug-in's answers are no probabilities", async () => {
    const registry = new ModelRegistry([definition((p) => p.map((share) => 2 * share))]);
    await expect((await loadModel(await plugged(), { registry })).predict(X)).rejects.toMatchObject({
      code: "bundle.bad_output",
    });
  });

  it("copies every file that the plug-in saved", async () => {
    const model = await loadModel(await plugged(), { registry: new ModelRegistry([definition()]) });
    const copy = join(folder(), "copy");
    await model.save(copy);
    expect(readdirSync(copy)).toContain("shares.json");
  });
});
