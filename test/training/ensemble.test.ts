/** The parts of an ensemble's fit that need no engine: rows, bases of other runs, digests, manifests that do not fit. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleDigest, type EnsembleManifest, readBundle, writeBundle } from "../../src/artifacts/index.js";
import { openStored, viewOf, windowEnds, writeDataset } from "../../src/data/index.js";
import { createPool } from "../../src/engine/index.js";
import { loadModel } from "../../src/inference/index.js";
import {
  type EngineModelDefinition,
  type EnsembleModelDefinition,
  ModelRegistry,
  type TypeScriptModelDefinition,
} from "../../src/models/index.js";
import { servedBase } from "../../src/training/ensemble/bases.js";
import { asViews } from "../../src/training/ensemble/memoryDataset.js";
import { methodFor } from "../../src/training/ensemble/method.js";
import { halves } from "../../src/training/ensemble/rows.js";
import { type FitFacts, fitDigest } from "../../src/training/fitDigest.js";
import { trainable } from "../../src/training/model.js";
import { originOfArrays } from "../../src/training/origin.js";
import { type BaseModel, type FeatureArray, FoldwiseError, type StoredDataset } from "../../src/types/index.js";
import { bigDataset } from "../data/datasets.js";
import { temporaryFolder } from "../data/helpers.js";
import { bundle, spec } from "../inference/fixtures.js";

let dataset: StoredDataset;
const range = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);

let out: string;
beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), "foldwise-ensemble-"));
  // A row a minute whose labels end five and twenty minutes on.
  await writeDataset(bigDataset({ rows: 300, features: 2 }), { out, layouts: ["series"] });
  dataset = await openStored({ symbol: "TOY", data: join(out, "datasets"), store: join(out, "store") });
});

afterAll(() => rmSync(out, { recursive: true, force: true }));

describe("validation rows in halves", () => {
  it("are purged where they meet, then embargoed", () => {
    const { stop, fresh } = halves(viewOf(dataset, range(100, 200)), 10);
    expect(fresh.rows).toEqual(range(150, 200));
    // The longer horizon's label of row 129 ends at row 149's close, the last before row 150.
    expect(stop.rows.at(-1)).toBe(129 - 10);
    expect(stop.rows[0]).toBe(100);
  });

  it("are refused where purging and embargo leave nothing", () => {
    expect(() => halves(viewOf(dataset, range(100, 130)), 20)).toThrow(
      expect.objectContaining({
        code: "data.few_rows",
        message: expect.stringMatching(/0 are left to stop the bases by/),
      }),
    );
  });
});

describe("arrays in the guise of a dataset", () => {
  const array = (shape: FeatureArray["shape"], first: number): FeatureArray => ({
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i),
    shape,
    featureNames: ["a", "b"],
  });

  it("are two unbroken pieces, whose rows are found again", async () => {
    const dir = join(temporaryFolder(), "data");
    const [X, val] = await asViews(
      { X: array([6, 2], 0), y: new Int8Array(6) },
      { X: array([4, 2], 100), y: new Int8Array(4) },
      dir,
    );
    expect([...(await X.read(1, 3))]).toEqual([2, 3, 4, 5]);
    expect([...(await val.read(0, 1))]).toEqual([100, 101]);
    expect([...windowEnds(val, 3)]).toEqual([2, 3]);
  });

  it("keep windows apart", async () => {
    const windows = { X: array([3, 4, 2], 0), y: Int8Array.from([-1, 0, 1]) };
    const [X] = await asViews(
      windows,
      { X: array([1, 4, 2], 50), y: new Int8Array(1) },
      join(temporaryFolder(), "data"),
    );
    expect([...X.rows]).toEqual([3, 7, 11]);
    expect([...windowEnds(X, 4)]).toEqual([0, 1, 2]);
    expect(windowEnds(X, 5)).toHaveLength(0);
    expect([...X.rows].map((row) => X.dataset.labels(1)[row])).toEqual([-1, 0, 1]);
  });
});

describe("a bundle of another fit", () => {
  const xgboost = {
    definition: ModelRegistry.getModel("xgboost"),
    model_params: {},
    training: {},
    device: "cpu",
  } as const;
  const expected = { features: spec().features, horizon: 20, symbol: "MES" };

  it("is a base where it fits", async () => {
    const base = await servedBase(xgboost, { dir: await bundle(), source: "run a" }, expected);
    expect(base).toMatchObject({ name: "xgboost", seqLen: null, source: "run a" });
    await base.dispose();
  });

  it.each([
    ["another horizon", { horizon: 5 }, /its horizon is 5 bars, the ensemble's 20/],
    ["another symbol", { symbol: "MGC" }, /trained on MGC, the ensemble on MES/],
    ["another model", { model: "lightgbm" }, /it holds lightgbm/],
    ["other features", { features: [...spec().features].reverse() }, /its feature 0 is/],
  ])("is refused as a base with %s, both named", async (_, more, message) => {
    const dir = await bundle(more);
    await expect(servedBase(xgboost, { dir, source: "run a" }, expected)).rejects.toMatchObject({
      code: "data.other_base",
      message: expect.stringMatching(message),
    });
  });
});

describe("the digest of a fit", () => {
  const VERSIONS = { foldwise: "0.1.0", python: "3.11", numpy: "2", xgboost: "3", lightgbm: "4", node: "20" };
  const facts = (): FitFacts => ({
    definition: ModelRegistry.getModel("xgboost"),
    model_params: { max_depth: 4, eta: 0.1 },
    training: { num_boost_round: 10 },
    dataset,
    horizon: 5,
    train: range(0, 100),
    stop: range(100, 120),
    seed: 7,
    device: "cpu",
    versions: VERSIONS,
    workers: 1,
  });

  it("is the same whatever the order of keys, and of versions that the fit does not use", () => {
    const same = fitDigest({
      ...facts(),
      model_params: { eta: 0.1, max_depth: 4 },
      versions: { ...VERSIONS, lightgbm: "5", node: "22" },
    });
    expect(same).toBe(fitDigest(facts()));
  });

  it.each<[string, Partial<FitFacts>]>([
    ["rows", { train: range(0, 99) }],
    ["a row that stops instead of training", { train: range(0, 99), stop: range(99, 120) }],
    ["the horizon", { horizon: 20 }],
    ["a parameter", { model_params: { max_depth: 5, eta: 0.1 } }],
    ["the seed", { seed: 8 }],
    ["the device", { device: "cuda" }],
    ["the library", { versions: { ...VERSIONS, xgboost: "3.1" } }],
  ])("is another with other %s", (_, more) => {
    expect(fitDigest({ ...facts(), ...more })).not.toBe(fitDigest(facts()));
  });
});

describe("given weights", () => {
  it("go with the bases that are left", () => {
    const method = { kind: "given", voting: "soft", weights: [1, 2, 3] } as const;
    expect(methodFor(method, [0, 2], 3)).toEqual({ ...method, weights: [1, 3] });
    expect(() => methodFor({ ...method, weights: [0, 2, 0] }, [0, 2], 3)).toThrow(/all zero/);
    expect(() => methodFor(method, [0, 1], 2)).toThrow(/3 numbers for 2 bases/);
  });
});

/** Says the class shares of its training rows; a fussy one fits on many rows only. */
const shares = (id: string, fewest: number): TypeScriptModelDefinition => {
  const made = (p: number[]): BaseModel => ({
    async fit(_X, y) {
      if (y.length < fewest) throw new FoldwiseError("data.few_rows", `${y.length} rows are too few for ${id}.`);
      p = [-1, 0, 1].map((label) => y.filter((each) => each === label).length / y.length);
      const scores = { trainLoss: 1, valLoss: 1, trainAccuracy: 0, valAccuracy: 0, trainingTime: 0 };
      return { ...scores, bestEpoch: 0, totalEpochs: 1, earlyStopped: false };
    },
    async predict(X) {
      const n = X.shape[0];
      const probabilities = Float32Array.from({ length: 3 * n }, (_, i) => p[i % 3]!);
      return { predictions: new Int8Array(n), probabilities, confidence: new Float32Array(n) };
    },
    save: async (dir) => {
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, "shares.json"), JSON.stringify(p));
    },
  });
  const { kind, engine, adapter, ...shown } = ModelRegistry.getModel("logistic") as EngineModelDefinition;
  const load = async (dir: string): Promise<BaseModel> =>
    made(JSON.parse(readFileSync(join(dir, "shares.json"), "utf8")));
  return { ...shown, id, kind: "typescript", create: () => made([]), load };
};

describe("a base that fits on all rows and fails in every fold", () => {
  const definitions = [shares("one", 0), shares("two", 0), shares("fussy", 180)];
  for (const definition of definitions) ModelRegistry.register(definition);

  const stack = (model_params: Record<string, unknown>) => {
    const definition = ModelRegistry.getModel("stacking") as EnsembleModelDefinition;
    const bases = definitions.map(
      (base) => ({ definition: base, model_params: {}, training: {}, device: "cpu" }) as const,
    );
    const pool = createPool({ workers: 1 });
    const model = trainable(definition, {
      pool,
      model_params: { ...definition.params.parse({}), folds: 4, ...model_params },
      training: {},
      seed: 7,
      device: "cpu",
      origin: { ...originOfArrays(), symbol: "TOY", horizon: 5, fingerprint: dataset.manifest.fingerprint },
      ensemble: { bases, secondLayer: [], meta: null, embargo: 0 },
    });
    const [train, val] = [range(0, 200), range(210, 280)];
    const y = (rows: Int32Array): Int8Array => Int8Array.from(rows, (row) => dataset.labels(5)[row]!);
    return { model, fitted: () => model.fit(viewOf(dataset, train), y(train), viewOf(dataset, val), y(val)) };
  };

  it("ends the fit, and is named", async () => {
    const { model, fitted } = stack({});
    await expect(fitted()).rejects.toMatchObject({
      code: "data.few_rows",
      message: expect.stringMatching(/The base fussy: /),
    });
    await model.dispose();
  });

  it("is left out where the configuration wants that", async () => {
    const { model, fitted } = stack({ on_base_failure: "drop" });
    await fitted();
    const { ensemble, warnings } = model.details();
    expect(ensemble?.bases.map(({ name }) => name)).toEqual(["one", "two"]);
    expect(ensemble?.dropped).toMatchObject([{ name: "fussy", why: expect.stringContaining("too few") }]);
    expect(warnings).toContainEqual(expect.stringContaining("fussy was left out"));
    await model.dispose();
  });
});

describe("the bundle of an ensemble", () => {
  const made = async (more: Partial<EnsembleManifest> = {}): Promise<string> => {
    const base = await readBundle(await bundle());
    const dir = join(temporaryFolder(), "voting_MES_h20");
    const sha256 = bundleDigest(base);
    await writeBundle(dir, {
      ...spec({ model: "voting", family: "ensemble", kind: "ensemble", native: null, parity: null, files: {} }),
      ensemble: {
        bases: ["one", "two"].map((name) => ({ name, sha256 })),
        layer: [],
        passthrough: [],
        combiner: { kind: "soft_vote", weights: [1, 3] },
        ...more,
      },
      parts: { bases: { one: base, two: base }, layer: {} },
    });
    return dir;
  };

  it("answers on where another that holds the same graph was closed", async () => {
    const [a, b] = await Promise.all([loadModel(await made()), loadModel(await made())]);
    const row = new Float32Array(a.featureNames.length);
    const before = await b.predictRow(row);
    await a.close();
    expect(await b.predictRow(row)).toEqual(before);
    await b.close();
  });

  it("answers for the row that it was given, though the caller fills it anew meanwhile", async () => {
    const model = await loadModel(await made());
    const row = Float32Array.from(model.featureNames, (_, i) => i);
    const expected = await model.predictRow(row.slice());
    const asked = model.predictRow(row);
    row.fill(-1e3);
    expect(await asked).toEqual(expected);
    expect(await model.predictRow(row)).not.toEqual(expected);
    await model.close();
  });

  it.each<[string, Partial<EnsembleManifest>]>([
    ["weights for other parts", { combiner: { kind: "soft_vote", weights: [1, 2, 3] } }],
    ["a model that is not there", { combiner: { kind: "model" } }],
    ["two parts of one name", { bases: ["One", "one"].map((name) => ({ name, sha256: "a".repeat(64) })) }],
  ])("is not written with %s", async (_, more) => {
    await expect(made(more)).rejects.toThrow();
  });
});
