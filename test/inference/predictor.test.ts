import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OnnxPredictor } from "../../src/inference/index.js";
import type { FeatureArray, FeatureView, StoredDataset } from "../../src/types/index.js";
import { graph, trees } from "./fixtures.js";

const array = (data: Float32Array, featureNames: readonly string[] = trees.features): FeatureArray => ({
  data,
  shape: [data.length / trees.features.length, trees.features.length],
  featureNames,
});
const open = (name = "trees") => OnnxPredictor.open(graph(name), trees.features);

describe("the ONNX predictor", () => {
  it("answers what the native model answered, NaN included", async () => {
    const { probabilities } = await (await open()).predict(array(trees.X));
    const worst = Math.max(...probabilities.map((p, i) => Math.abs(p - trees.native[i]!)));
    expect(worst).toBeLessThan(1e-6);
  });

  it("gives the likeliest label and its probability", async () => {
    const { predictions, probabilities, confidence } = await (await open()).predict(array(trees.X));
    for (let i = 0; i < trees.rows; i++) {
      const row = [...probabilities.subarray(3 * i, 3 * i + 3)];
      expect(confidence[i]).toBe(Math.max(...row));
      expect(predictions[i]).toBe(row.indexOf(Math.max(...row)) - 1);
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    }
  });

  it("answers one row as it answers many", async () => {
    const predictor = await open();
    const { probabilities } = await predictor.predict(array(trees.X));
    for (let i = 0; i < trees.rows; i++) {
      expect(await predictor.predictRow(trees.X.slice(4 * i, 4 * i + 4))).toEqual(
        probabilities.slice(3 * i, 3 * i + 3),
      );
    }
  });

  it("keeps single rows that are asked for at once apart", async () => {
    const predictor = await open();
    const { probabilities } = await predictor.predict(array(trees.X));
    const answers = await Promise.all(
      Array.from({ length: trees.rows }, (_, i) => predictor.predictRow(trees.X.slice(4 * i, 4 * i + 4))),
    );
    expect(answers.flatMap((row) => [...row])).toEqual([...probabilities]);
  });

  it("does not change an answer that it gave", async () => {
    const predictor = await open();
    const first = await predictor.predictRow(trees.X.slice(0, 4));
    const kept = first.slice();
    await predictor.predictRow(trees.X.slice(4, 8));
    expect(first).toEqual(kept);
  });

  it("answers more rows than a batch holds, in their order", async () => {
    const predictor = await open();
    const copies = 1000;
    const many = new Float32Array(copies * trees.X.length);
    for (let i = 0; i < copies; i++) many.set(trees.X, i * trees.X.length);
    const { probabilities } = await predictor.predict(array(many));
    const once = (await predictor.predict(array(trees.X))).probabilities;
    for (let i = 0; i < copies; i += 97) {
      expect(probabilities.subarray(i * once.length, (i + 1) * once.length)).toEqual(once);
    }
  });

  it("answers no rows with nothing", async () => {
    const { predictions, probabilities } = await (await open()).predict(array(new Float32Array(0)));
    expect([predictions.length, probabilities.length]).toEqual([0, 0]);
  });

  it("opens the bytes of a graph as well as its file", async () => {
    const predictor = await OnnxPredictor.open(readFileSync(graph("trees")), trees.features);
    expect(await predictor.predictRow(trees.X.slice(0, 4))).toHaveLength(3);
  });

  it("refuses an array whose features stand in another order", async () => {
    const [a, b, ...rest] = trees.features;
    await expect((await open()).predict(array(trees.X, [b!, a!, ...rest]))).rejects.toMatchObject({
      code: "bundle.features_reordered",
      remedy: expect.any(String),
    });
  });

  it("reorders the features of stored rows by name", async () => {
    const order = [2, 0, 3, 1];
    const names = order.map((f) => trees.features[f]!);
    const data = Float32Array.from(trees.X, (_, j) => trees.X[4 * Math.floor(j / 4) + order[j % 4]!]!);
    const view: FeatureView = {
      kind: "view",
      shape: [trees.rows, 4],
      featureNames: names,
      dataset: {} as StoredDataset,
      rows: Int32Array.from({ length: trees.rows }, (_, i) => i),
      read: async (from = 0, to = trees.rows) => data.subarray(4 * from, 4 * to),
    };
    const predictor = await open();
    expect(await predictor.predict(view)).toEqual(await predictor.predict(array(trees.X)));
  });

  it("refuses missing, unknown and doubled features by name", async () => {
    const [a, b, c] = trees.features;
    await expect((await open()).predict(array(trees.X, [a!, b!, c!, "volume_z"]))).rejects.toMatchObject({
      code: "bundle.features_differ",
      message: "The features are not the model's: missing: atr_14; not known to the model: volume_z.",
    });
    await expect((await open()).predict(array(trees.X, [a!, b!, c!, c!]))).rejects.toMatchObject({
      code: "bundle.features_differ",
      details: { missing: ["atr_14"], extra: [], twice: [c] },
    });
  });

  it.each([
    ["windows", { data: new Float32Array(40), shape: [2, 5, 4] as const, featureNames: trees.features }],
    ["too few values", { data: new Float32Array(7), shape: [2, 4] as const, featureNames: trees.features }],
    ["a name too few", { data: new Float32Array(8), shape: [2, 4] as const, featureNames: trees.features.slice(1) }],
  ])("refuses %s", async (_name, X) => {
    await expect((await open()).predict(X)).rejects.toMatchObject({ code: "data.wrong_shape" });
  });

  it("refuses a row of another length", async () => {
    await expect((await open()).predictRow(new Float32Array(3))).rejects.toMatchObject({ code: "data.wrong_shape" });
  });

  it("names the row and feature that is infinite when the answer is no distribution", async () => {
    const X = new Float32Array(8);
    X[5] = Number.POSITIVE_INFINITY;
    await expect((await open("linear")).predict(array(X))).rejects.toMatchObject({
      code: "data.infinite_feature",
      details: { row: 1, feature: "1h_rsi_14" },
    });
  });

  it("throws instead of answering NaN", async () => {
    const predictor = await open("linear");
    await expect(predictor.predictRow(Float32Array.of(Number.NaN, 0, 0, 0))).rejects.toMatchObject({
      code: "bundle.bad_output",
    });
    expect(await predictor.predictRow(new Float32Array(4))).toEqual(new Float32Array(3).fill(1 / 3));
  });

  it.each([
    ["another width", () => OnnxPredictor.open(graph("linear"), ["a", "b"])],
    ["one output only", () => OnnxPredictor.open(graph("one_output"), trees.features)],
    ["bytes that are no graph", () => OnnxPredictor.open(Buffer.from("no graph"), trees.features)],
  ])("refuses a graph with %s", async (_name, opening) => {
    await expect(opening()).rejects.toMatchObject({ code: "bundle.bad_graph", remedy: expect.any(String) });
  });

  it("stops between batches when aborted", async () => {
    await expect((await open()).predict(array(trees.X), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "interrupted.aborted",
    });
  });
});
