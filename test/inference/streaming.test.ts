import { beforeAll, describe, expect, it } from "vitest";
import { loadModel, type ServedModel, type StreamedAnswer, StreamingPredictor } from "../../src/inference/index.js";
import type { PipelineSpec } from "../../src/types/index.js";
import { bundle, pipeline, trees } from "./fixtures.js";
import { largest, rowsArray, sequenceBundle, series, seriesView } from "./sequences.js";

const MINUTE = 60_000_000;
const START = 1.7e15;
const { width } = series;
const rowAt = (row: number): Float32Array => series.X.slice(row * width, (row + 1) * width);
const minutes = (row: number): number => START + row * MINUTE;

let model: ServedModel;
beforeAll(async () => {
  model = await loadModel(await sequenceBundle());
});

/** Pushes the whole series, bar by bar. */
async function pushAll(
  { stampOf = minutes, pieceOf }: { stampOf?: (row: number) => number; pieceOf?: (row: number) => number },
  served = model,
): Promise<StreamedAnswer[]> {
  const stream = new StreamingPredictor(served);
  const answers: StreamedAnswer[] = [];
  for (let row = 0; row < series.rows; row++) {
    const piece = pieceOf === undefined ? {} : { piece: pieceOf(row) };
    answers.push(await stream.push({ timestamp: stampOf(row), row: rowAt(row), ...piece }));
  }
  return answers;
}

/** What came, and for which rows. */
function answered(answers: readonly StreamedAnswer[]): { rows: Int32Array; probabilities: Float32Array } {
  const rows = [...answers.keys()].filter((row) => answers[row]!.probabilities !== null);
  return {
    rows: Int32Array.from(rows),
    probabilities: Float32Array.from(rows.flatMap((row) => [...answers[row]!.probabilities!])),
  };
}

describe("a streaming predictor", () => {
  it("answers as soon as its window is full, and then what the batch answers (1e-6)", async () => {
    const answers = await pushAll({});
    expect(answers.slice(0, 4)).toEqual(
      [1, 2, 3, 4].map((filled) => ({ probabilities: null, filled, reason: "filling" })),
    );
    expect(answers[4]).toMatchObject({ filled: 5, reason: null });
    const batch = await model.predict(rowsArray());
    const stream = answered(answers);
    expect(stream.rows).toEqual(batch.rows);
    expect(largest(stream.probabilities, batch.probabilities)).toBeLessThan(1e-6);
  });

  it("begins a new window with a new piece, as the batch does", async () => {
    const pieceOf = (row: number): number => (row < 13 ? 4 : row < 15 ? 5 : 2);
    const answers = await pushAll({ pieceOf });
    expect(answers[13]).toEqual({ probabilities: null, filled: 1, reason: "new_piece" });
    expect(answers[14]).toEqual({ probabilities: null, filled: 2, reason: "filling" });
    expect(answers[15]).toEqual({ probabilities: null, filled: 1, reason: "new_piece" });
    const rows = Int32Array.from({ length: series.rows }, (_, row) => row);
    const batch = await model.predict(seriesView(rows.map(pieceOf), rows));
    const stream = answered(answers);
    expect(stream.rows).toEqual(batch.rows);
    expect(largest(stream.probabilities, batch.probabilities)).toBeLessThan(1e-6);
  });

  it.each([
    { missing: 10, bridged: true },
    { missing: 11, bridged: false },
  ])("with $missing bars missing goes on: $bridged, by the rule that prepare cuts pieces by", async (gap) => {
    const answers = await pushAll({ stampOf: (row) => minutes(row < 20 ? row : row + gap.missing) });
    if (gap.bridged) expect(answers[20]).toMatchObject({ filled: 5, reason: null });
    else expect(answers[20]).toEqual({ probabilities: null, filled: 1, reason: "gap" });
    const expected = gap.bridged ? 36 : 16 + 16;
    expect(answered(answers).rows).toHaveLength(expected);
  });

  it("expects no bar while its market is closed", async () => {
    const sessions: PipelineSpec["sessions"] = {
      ...pipeline.sessions,
      id: "days",
      hours: [{ from: null, open: "09:00", close: "17:00", breaks: [] }],
      known: true,
    };
    const daily = await loadModel(await sequenceBundle({ pipeline: { ...pipeline, sessions } }));
    const evening = Date.UTC(2024, 0, 2, 16, 50) * 1000;
    const morning = Date.UTC(2024, 0, 3, 9, 1) * 1000;
    const overnight = (row: number): number => (row < 11 ? evening + row * MINUTE : morning + (row - 11) * MINUTE);
    expect(answered(await pushAll({ stampOf: overnight }, daily)).rows).toHaveLength(36);
    expect((await pushAll({ stampOf: overnight }))[11]).toMatchObject({ reason: "gap" });
  });

  it("knows no gap where the bundle has no pipeline", async () => {
    const bare = await loadModel(await sequenceBundle({ pipeline: null }));
    expect(answered(await pushAll({ stampOf: (row) => minutes(1000 * row) }, bare)).rows).toHaveLength(36);
  });

  it("keeps answers apart that are asked for at once, whatever becomes of the rows", async () => {
    const stream = new StreamingPredictor(model);
    const row = new Float32Array(width);
    const pushed = Array.from({ length: series.rows }, (_, i) => {
      row.set(rowAt(i));
      return stream.push({ timestamp: minutes(i), row });
    });
    expect(largest(answered(await Promise.all(pushed)).probabilities, series.lstm)).toBeLessThan(1e-6);
  });

  it("refuses bars out of order and bars that are none, and goes on as if they had not come", async () => {
    const stream = new StreamingPredictor(model);
    for (let row = 0; row < 4; row++) await stream.push({ timestamp: minutes(row), row: rowAt(row) });
    for (const timestamp of [minutes(3), minutes(1), Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(stream.push({ timestamp, row: rowAt(9) })).rejects.toMatchObject({ code: "data.unsorted" });
    }
    await expect(stream.push({ timestamp: minutes(4), row: new Float32Array(2) })).rejects.toMatchObject({
      code: "data.wrong_shape",
    });
    const infinite = rowAt(9).with(1, Number.NEGATIVE_INFINITY);
    await expect(stream.push({ timestamp: minutes(4), row: infinite })).rejects.toMatchObject({
      code: "data.infinite_feature",
      details: { feature: "1h_rsi_14" },
    });
    const { probabilities } = await stream.push({ timestamp: minutes(4), row: rowAt(4) });
    expect(largest(probabilities!, series.lstm.slice(0, 3))).toBeLessThan(1e-6);
  });

  it("begins another series after a reset", async () => {
    const stream = new StreamingPredictor(model);
    for (let row = 5; row < 10; row++) await stream.push({ timestamp: minutes(row), row: rowAt(row), piece: 1 });
    stream.reset();
    expect(await stream.push({ timestamp: minutes(0), row: rowAt(0), piece: 2 })).toEqual({
      probabilities: null,
      filled: 1,
      reason: "filling",
    });
  });

  it("answers every bar of a tabular model", async () => {
    const tabular = await loadModel(await bundle());
    const stream = new StreamingPredictor(tabular);
    for (let i = 0; i < trees.rows; i++) {
      // Gaps are of no matter: there is nothing to bridge.
      const timestamp = minutes(i < 20 ? i : i + 1000);
      const row = trees.X.slice(4 * i, 4 * i + 4);
      const { probabilities, filled } = await stream.push({ timestamp, row });
      expect(largest(probabilities!, trees.native.slice(3 * i, 3 * i + 3))).toBeLessThan(1e-6);
      expect(filled).toBe(1);
    }
  });
});
