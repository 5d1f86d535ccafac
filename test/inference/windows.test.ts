import { describe, expect, it } from "vitest";
import { batchRows, OnnxPredictor } from "../../src/inference/index.js";
import { graph } from "./fixtures.js";
import { largest, rowsArray, series, seriesView, windowOf, windowsArray } from "./sequences.js";

const { seqLen, features, width } = series;
const open = (name = "lstm") => OnnxPredictor.open(graph(name), features, { seqLen });
const onePiece = new Int32Array(series.rows);
const range = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);

describe.each(["lstm", "mixed"] as const)("the sequence graph %s", (name) => {
  it("answers what its reference answers, missing values included", async () => {
    const { probabilities, rows } = await (await open(name)).predict(rowsArray());
    expect(largest(probabilities, series[name])).toBeLessThan(1e-6);
    expect(rows).toEqual(range(seqLen - 1, series.rows));
  });
});

describe("a sequence model's predictions", () => {
  it("are the same for rows, for windows, and for a view in another order of columns", async () => {
    const predictor = await open();
    const ofRows = await predictor.predict(rowsArray());
    const ofWindows = await predictor.predict(windowsArray());
    const ofView = await predictor.predict(seriesView(onePiece, range(0, series.rows)));
    expect(ofWindows.probabilities).toEqual(ofRows.probabilities);
    expect(ofWindows.rows).toEqual(range(0, series.rows - seqLen + 1));
    expect(ofView).toEqual(ofRows);
  });

  it("look back in a view's dataset, but not across a piece", async () => {
    const piece = onePiece.map((_, row) => (row < 12 ? 0 : 1));
    const view = seriesView(piece, Int32Array.of(4, 11, 12, 15, 16, 30));
    const { probabilities, rows } = await (await open()).predict(view);
    expect(rows).toEqual(Int32Array.of(0, 1, 4, 5));
    const expected = [4, 11, 16, 30].flatMap((row) => [...series.lstm.subarray(3 * (row - 4), 3 * (row - 4) + 3)]);
    expect(largest(probabilities, Float32Array.from(expected))).toBeLessThan(1e-6);
  });

  it("do not depend on how many windows a batch holds", async () => {
    // Many features make a batch of one window: the series is too short to fill one of the small graph's.
    expect(batchRows(180, 60)).toBe(388);
    expect(batchRows(20_000, 1000)).toBe(1);
    expect(batchRows(3, 5)).toBe(2048);
    const repeated = 200;
    const data = new Float32Array(series.X.length * repeated);
    for (let k = 0; k < repeated; k++) data.set(series.X, k * series.X.length);
    const { probabilities } = await (await open()).predict({
      data,
      shape: [series.rows * repeated, width],
      featureNames: features,
    });
    for (const k of [0, 51, 52, 102, repeated - 1]) {
      const from = 3 * k * series.rows;
      expect(largest(probabilities.slice(from, from + series.lstm.length), series.lstm)).toBeLessThan(1e-6);
    }
  });

  it("need a full window, and say how long one is", async () => {
    const predictor = await open();
    await expect(predictor.predict(rowsArray(0, 4))).rejects.toMatchObject({
      code: "data.no_full_window",
      message: expect.stringContaining("windows of 5 bars"),
      remedy: expect.stringContaining("at least 5"),
    });
    const alternating = onePiece.map((_, row) => row % 2);
    await expect(predictor.predict(seriesView(alternating, range(0, 40)))).rejects.toMatchObject({
      code: "data.no_full_window",
    });
    expect((await predictor.predict(rowsArray(0, 5))).rows).toEqual(Int32Array.of(4));
  });

  it("are not made of windows of another length, of columns in another order, or of other features", async () => {
    const predictor = await open();
    const X = windowsArray();
    await expect(predictor.predict({ ...X, shape: [X.shape[0] * seqLen, 1, width] })).rejects.toMatchObject({
      code: "data.wrong_shape",
      message: expect.stringContaining("windows (N, 5, 3)"),
    });
    await expect(predictor.predict({ ...X, featureNames: [...features].reverse() })).rejects.toMatchObject({
      code: "bundle.features_reordered",
    });
    await expect(predictor.predict({ ...X, featureNames: ["a", "b", "c"] })).rejects.toMatchObject({
      code: "bundle.features_differ",
    });
  });

  it("name the row, feature and bar of a value that spoils a window", async () => {
    const X = rowsArray();
    // Infinity less infinity, in two gates of opposite sign.
    X.data[10 * width + 1] = Number.POSITIVE_INFINITY;
    X.data[10 * width + 2] = Number.NEGATIVE_INFINITY;
    await expect((await open("mixed")).predict(X)).rejects.toMatchObject({
      code: "data.infinite_feature",
      details: { row: 10, feature: "1h_rsi_14", back: 0 },
    });
  });

  it("are refused of a tabular model, and of one with windows of another length", async () => {
    await expect(OnnxPredictor.open(graph("lstm"), features)).rejects.toMatchObject({
      code: "bundle.bad_graph",
      message: expect.stringContaining("expected float32 (N, 3)"),
    });
    await expect(OnnxPredictor.open(graph("lstm"), features, { seqLen: 6 })).rejects.toMatchObject({
      code: "bundle.bad_graph",
      message: expect.stringContaining("(N, 6, 3)"),
    });
    await expect(OnnxPredictor.open(graph("linear"), ["a", "b", "c", "d"], { seqLen: 5 })).rejects.toMatchObject({
      code: "bundle.bad_graph",
    });
    await expect(OnnxPredictor.open(graph("lstm"), features, { seqLen: 2 ** 40 })).rejects.toMatchObject({
      code: "bundle.bad_graph",
    });
  });

  it("stop between batches when aborted", async () => {
    const predicting = (await open()).predict(rowsArray(), { signal: AbortSignal.abort() });
    await expect(predicting).rejects.toMatchObject({ code: "interrupted.aborted" });
  });
});

describe("one window", () => {
  it("is answered as among many, also when several are asked for at once", async () => {
    const predictor = await open();
    const ends = [...range(seqLen - 1, series.rows)];
    const answers = await Promise.all(ends.map((end) => predictor.predictWindow(windowOf(end))));
    expect(largest(Float32Array.from(answers.flatMap((p) => [...p])), series.lstm)).toBeLessThan(1e-6);
  });

  it("may be filled anew while it is being answered", async () => {
    const predictor = await open();
    const buffer = windowOf(10);
    const busy = predictor.predictWindow(windowOf(4));
    const answer = predictor.predictWindow(buffer);
    buffer.fill(0);
    expect(largest(await answer, series.lstm.slice(18, 21))).toBeLessThan(1e-6);
    await busy;
  });

  it("is not a row, nor a window of another length", async () => {
    const predictor = await open();
    await expect(predictor.predictRow(new Float32Array(width))).rejects.toMatchObject({
      code: "model.takes_windows",
      remedy: expect.stringMatching(/predictWindow.*StreamingPredictor/),
    });
    await expect(predictor.predictWindow(new Float32Array(width))).rejects.toMatchObject({
      code: "data.wrong_shape",
      message: "Got a window of 3 values; the model takes 5 rows of 3 features.",
    });
    const tabular = await OnnxPredictor.open(graph("linear"), ["a", "b", "c", "d"]);
    await expect(tabular.predictWindow(new Float32Array(4))).rejects.toMatchObject({ code: "model.takes_rows" });
  });
});
