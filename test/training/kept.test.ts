/** Finished folds of a run that was broken off: found again on exactly the rows that they saw, and on no others. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { resolveTrainingConfig } from "../../src/config/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { type FoldAnswer, type FoldRows, rowsOfFold } from "../../src/training/cv/fold.js";
import { foldsFolder, keepFold, keptFold } from "../../src/training/cv/kept.js";
import { planCv } from "../../src/training/cv/plan.js";
import type { StoredDataset } from "../../src/types/index.js";
import { sample } from "../conformance/data.js";
import { storeSample } from "../conformance/store.js";

const JOB = "lightgbm_SAMPLE_h1";
const NAME = "s7_f0";
let folder: string;
let dataset: StoredDataset;
let run: Run;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-kept-"));
  ({ dataset } = await storeSample(folder, sample({ rows: 300, seed: 1 }), sample({ rows: 100, seed: 2 })));
  const jobs = [{ job: JOB, model: "lightgbm", symbol: "SAMPLE", horizon: 1 }];
  const described = { command: "", seed: 7, versions: {}, datasets: {}, options: {}, jobs, config: "" };
  run = Run.create({ runsDir: join(folder, "runs"), ...described });
});
afterAll(() => {
  run.release();
  rmSync(folder, { recursive: true, force: true });
});

/** What the first of four folds sees. */
function rowsSeen(model = "lightgbm", embargo = 3): FoldRows {
  const { validation } = resolveTrainingConfig({ cwd: process.cwd(), flags: {} }).config;
  const plan = planCv(dataset, { ...validation, folds: 4 }, embargo, null);
  return rowsOfFold({ definition: ModelRegistry.getModel(model), dataset, plan }, plan.folds[0]!);
}

function answerOf({ test }: FoldRows): FoldAnswer {
  const span = { rows: 1, from: null, to: null };
  const scores = { log_loss: 1, brier: 1, accuracy: 0, f1: null, mcc: null, prior_log_loss: 1 };
  const facts: FoldAnswer["facts"] = {
    ...{ fold: 0, seed: 7, groups: null, fit: span, stop: span, test: span },
    ...{ purged: 0, embargoed: 0, stop_purged: 0, stop_embargoed: 0 },
    ...{ trained_classes: [-1, 0, 1], prior: [0.25, 0.5, 0.25], best_epoch: 1, total_epochs: 1, early_stopped: false },
    ...{ train_loss: 1, stop_loss: 1, test_scores: scores, quantised: null, seconds: 1, warnings: [] },
  };
  const p = Float32Array.from({ length: 3 * test.length }, (_, i) => i / 1000);
  return { facts, p, curve: [[25, 1.05]] };
}

/** As many rows, with the same first and last: one in the middle is its neighbour instead. */
const exchanged = (rows: Int32Array): Int32Array => rows.map((row, i) => (i === rows.length >> 1 ? row + 1 : row));

/** Its last row belongs to the next set. */
const moved = (a: Int32Array, b: Int32Array): [Int32Array, Int32Array] => [
  a.slice(0, -1),
  Int32Array.of(a.at(-1)!, ...b),
];

describe("a fold that was finished", () => {
  it("is found again on the same rows, planned anew", () => {
    const rows = rowsSeen();
    const answer = answerOf(rows);
    keepFold(foldsFolder(run, JOB), NAME, rows, answer);
    expect(keptFold(foldsFolder(run, JOB), NAME, rowsSeen())).toEqual(answer);
    expect(keptFold(foldsFolder(run, JOB), "s7_f1", rows)).toBeNull();
  });

  it.each(["train", "fit", "stop", "test"] as const)("is not that of as many other %s rows", (set) => {
    const rows = rowsSeen();
    keepFold(foldsFolder(run, JOB), NAME, rows, answerOf(rows));
    expect(keptFold(foldsFolder(run, JOB), NAME, { ...rows, [set]: exchanged(rows[set]) })).toBeNull();
  });

  it("is not that of the same rows with the border between two sets moved", () => {
    const rows = rowsSeen();
    keepFold(foldsFolder(run, JOB), NAME, rows, answerOf(rows));
    const [train, fit] = moved(rows.train, rows.fit);
    const [fitted, stop] = moved(rows.fit, rows.stop);
    expect(keptFold(foldsFolder(run, JOB), NAME, { ...rows, train, fit })).toBeNull();
    expect(keptFold(foldsFolder(run, JOB), NAME, { ...rows, fit: fitted, stop })).toBeNull();
  });

  it("is not that of the same row numbers in other data", () => {
    const rows = rowsSeen();
    keepFold(foldsFolder(run, JOB), NAME, rows, answerOf(rows));
    expect(keptFold(foldsFolder(run, JOB), NAME, { ...rows, fingerprint: "another" })).toBeNull();
  });

  it("is not that of a model that stops by no rows, nor of another embargo before those to stop by", () => {
    const rows = rowsSeen();
    keepFold(foldsFolder(run, JOB), NAME, rows, answerOf(rows));
    const plain = rowsSeen("logistic");
    expect([plain.train, plain.test]).toEqual([rows.train, rows.test]);
    expect(keptFold(foldsFolder(run, JOB), NAME, plain)).toBeNull();
    expect(keptFold(foldsFolder(run, JOB), NAME, rowsSeen("lightgbm", 4))).toBeNull();
  });

  it.each(["npy", "json"])("is fitted again where its .%s file is not what was written", (extension) => {
    const rows = rowsSeen();
    keepFold(foldsFolder(run, JOB), NAME, rows, answerOf(rows));
    const path = join(run.dir, "folds", JOB, `${NAME}.${extension}`);
    const bytes = readFileSync(path);
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(path, bytes);
    expect(keptFold(foldsFolder(run, JOB), NAME, rows)).toBeNull();
  });
});
