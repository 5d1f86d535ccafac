/** Fitted models: their files, their jobs, what happens when something fails. Real fits on a real worker. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPool, type EngineJob, type EnginePool, type RunOptions } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { ModelRegistry, type TypeScriptModelDefinition } from "../../src/models/index.js";
import { createModel, defaultPool } from "../../src/training/createModel.js";
import { engineInput, placeFile } from "../../src/training/engineInput.js";
import { type TrainableModel, type TrainableSettings, trainable } from "../../src/training/model.js";
import { originOfArrays } from "../../src/training/origin.js";
import { head, sample } from "../conformance/data.js";
import { storeSample } from "../conformance/store.js";

const train = sample({ rows: 300, seed: 1 });
const stop = sample({ rows: 100, seed: 2 });
const trained = (model: TrainableModel) => model.fit(train.X, train.y, stop.X, stop.y);

let folder: string;
let count = 0;
let workers: EnginePool;
const newFolder = (): string => {
  const dir = join(folder, `own-${count++}`);
  mkdirSync(dir);
  return dir;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-training-"));
  workers = createPool();
});
afterAll(async () => {
  await workers.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The real pool, with an ear at its door; `before` may throw in its place. */
function overheard(before: (job: EngineJob) => void = () => {}) {
  const jobs: { job: EngineJob; options: RunOptions }[] = [];
  const pool: EnginePool = {
    workers: workers.workers,
    threadsPerWorker: workers.threadsPerWorker,
    run: async (job, options = {}) => {
      jobs.push({ job, options });
      before(job);
      return workers.run(job, options);
    },
    hello: async (options) => ({ ...(await workers.hello(options)), devices: ["cpu"] }),
    warm: (models, count) => workers.warm(models, count),
    close: async () => {},
  };
  return { pool, jobs };
}

function build(settings: Partial<TrainableSettings> = {}): TrainableModel {
  return trainable(ModelRegistry.getModel("xgboost"), {
    pool: workers,
    model_params: { max_depth: 2 },
    training: { num_boost_round: 5, early_stopping_rounds: 2 },
    seed: 7,
    device: "cpu",
    origin: originOfArrays(),
    ...settings,
  });
}

describe("a model's temporary files", () => {
  it("begin with its first fit, hold one fit at a time, and end with dispose", async () => {
    const before = process.env.TMPDIR;
    const tmp = newFolder();
    process.env.TMPDIR = tmp;
    try {
      // Other libraries use the folder too.
      const own = (): string[] => readdirSync(tmp).filter((name) => name.startsWith("foldwise-"));
      const hooks = (): number => process.listeners("exit").filter(({ name }) => name === "removeTemporary").length;
      const model = build();
      await expect(model.predict(stop.X)).rejects.toMatchObject({ code: "model.not_fitted" });
      expect(own()).toEqual([]);
      await trained(model);
      await model.predict(stop.X);
      await trained(model);
      expect(own().map((name) => readdirSync(join(tmp, name)))).toEqual([["fit-2"]]);
      await model.predict(stop.X);
      expect(hooks()).toBe(1);
      await model.dispose();
      expect(own()).toEqual([]);
      expect(hooks()).toBe(0);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });

  it("end with the process, when nobody disposed of the model", async () => {
    const TMPDIR = newFolder();
    const index = join(packageRoot(), "dist", "training", "index.js");
    const program = `
      import { readdirSync } from "node:fs";
      const { createModel } = await import(${JSON.stringify(index)});
      const X = { data: new Float32Array(2), shape: [2, 1], featureNames: ["a"] };
      const y = new Int8Array(2);
      await createModel("xgboost", { device: "cpu" }).fit(X, y, X, y).catch(() => {});
      console.log(readdirSync(process.env.TMPDIR).filter((name) => name.startsWith("foldwise-model-")).length);`;
    const command = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env: { ...process.env, TMPDIR } });
    expect(stdout).toBe("1\n");
    expect(readdirSync(TMPDIR).filter((name) => name.startsWith("foldwise-"))).toEqual([]);
  });
});

describe("a model's jobs", () => {
  it("carry its label, all of them", async () => {
    const { pool, jobs } = overheard();
    const model = build({ pool, label: "xgboost_MES_h20", workDir: newFolder() });
    await trained(model);
    await model.save(join(newFolder(), "bundle"));
    expect(jobs.map(({ job, options }) => [job.type, options.label])).toEqual(
      ["fit", "export", "predict"].map((type) => [type, "xgboost_MES_h20"]),
    );
  });

  it("name equal rows by the same file in a folder that they share, other rows by another", async () => {
    const { pool, jobs } = overheard();
    const rowsDir = join(newFolder(), "rows");
    const fitted = async (rows: typeof train) =>
      build({ pool, rowsDir, workDir: newFolder() }).fit(rows.X, rows.y, stop.X, stop.y);
    await fitted(train);
    await fitted(train);
    await fitted(head(train, 250));
    const named = jobs.flatMap(({ job }) => (job.type === "fit" ? [job.rows.train] : []));
    expect(named[1]).toBe(named[0]);
    expect(named[2]).not.toBe(named[0]);
    expect(dirname(named[0]!)).toBe(rowsDir);
  });

  it("may be asked for again when they failed: an export that went wrong is not remembered", async () => {
    let failures = 1;
    const { pool } = overheard((job) => {
      if (job.type === "export" && failures-- > 0) throw new Error("The disk was full.");
    });
    const model = build({ pool, workDir: newFolder() });
    await trained(model);
    await expect(model.predict(stop.X)).rejects.toThrow("The disk was full.");
    expect((await model.predict(stop.X)).predictions).toHaveLength(100);
  });

  it("end at an abort, export and parity check too", async () => {
    for (const last of ["export", "predict"] as const) {
      const abort = new AbortController();
      const { pool, jobs } = overheard((job) => {
        if (job.type === last) abort.abort();
      });
      const model = build({ pool, workDir: newFolder(), signal: abort.signal });
      await trained(model);
      await expect(model.save(join(newFolder(), "bundle"))).rejects.toMatchObject({ code: "interrupted.aborted" });
      expect(jobs.at(-1)?.job.type).toBe(last);
    }
  });
});

describe("createModel", () => {
  it("refuses a fit on a device that is not there", async () => {
    const { pool } = overheard();
    const model = createModel("xgboost", { pool, device: "cuda" });
    await expect(trained(model)).rejects.toMatchObject({ code: "usage.no_device" });
    await model.dispose();
  });

  it("says when a model has no version for the device", async () => {
    const notices: string[] = [];
    const model = createModel("logistic", {
      pool: workers,
      device: "cuda",
      onNotice: (message) => notices.push(message),
    });
    await trained(model);
    await model.dispose();
    expect(notices).toEqual([expect.stringContaining("no CUDA version")]);
  });

  it("has one pool for each working folder", () => {
    expect(defaultPool(folder)).toBe(defaultPool(folder));
    expect(defaultPool(folder)).not.toBe(defaultPool());
  });
});

describe("a plug-in in TypeScript", () => {
  it("is not fitted with balanced class weights, which nothing would undo", () => {
    const definition: TypeScriptModelDefinition = {
      ...ModelRegistry.getModel("logistic"),
      kind: "typescript",
      create: () => {
        throw new Error("It was made.");
      },
      load: () => Promise.reject(new Error("It was loaded.")),
    };
    const settings = { pool: workers, model_params: {}, seed: 7, device: "cpu" as const, origin: originOfArrays() };
    expect(() => trainable(definition, { ...settings, training: { class_weight: "balanced" } })).toThrow(
      expect.objectContaining({ code: "config.class_weight" }),
    );
  });
});

describe("the input of an engine", () => {
  it("is refused when one row is given with two labels", async () => {
    const { XTrain, XStop } = await storeSample(newFolder(), train, stop);
    const twice = { ...XStop, rows: XTrain.rows.slice(0, 100) };
    const other = train.y.slice(0, 100).map((label) => (label === 1 ? 0 : 1));
    await expect(engineInput(XTrain, train.y, twice, other, newFolder())).rejects.toMatchObject({
      code: "data.conflicting_labels",
      message: expect.stringContaining("Row 0 "),
    });
    const changed = train.y.with(0, train.y[0] === 1 ? 0 : 1);
    const dir = newFolder();
    const input = await engineInput(XTrain, changed, twice, changed.slice(0, 100), dir);
    expect(input.dataset).toBe(dir);
    expect(existsSync(join(dir, "X.npy"))).toBe(true);
  });

  it("is a symbolic link, else a hard one, else a copy", () => {
    const from = join(newFolder(), "X.npy");
    writeFileSync(from, "features");
    const forbidden = (): never => {
      throw Object.assign(new Error("operation not permitted"), { code: "EPERM" });
    };
    const copy = (a: string, b: string): void => writeFileSync(b, readFileSync(a));
    for (const ways of [undefined, [forbidden, copy], [forbidden, forbidden, copy]]) {
      const to = join(newFolder(), "X.npy");
      placeFile(from, to, ways);
      expect(readFileSync(to, "utf8")).toBe("features");
    }
    expect(() => placeFile(from, join(folder, "X.npy"), [forbidden])).toThrow("not permitted");
  });
});
