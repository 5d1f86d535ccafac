import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type BundleManifest,
  CHECKPOINTS_FOLDER,
  MANIFEST_NAME,
  parseManifest,
  Run,
  WORK_FOLDER,
} from "../../artifacts/index.js";
import { viewOf } from "../../data/index.js";
import type { EnginePool } from "../../engine/index.js";
import { pathUnder, readRegular } from "../../files/index.js";
import { openBase } from "../../inference/index.js";
import type { OnEvent, StoredDataset } from "../../types/index.js";
import type { HoldoutPlan } from "../../validation/index.js";
import { fitDigest } from "../fitDigest.js";
import { type GridCell, jobName } from "../grid.js";
import type { ModelOrigin } from "../origin.js";
import { labelsOf, weightsOf } from "../rows.js";
import type { Trainable } from "./bases.js";
import type { PartSpec, ReadyBase } from "./settings.js";

/** In a run's folder: bundles of bases that are no jobs of it. */
const BASES_FOLDER = "bases";

/** A job of the run, when it has ended. */
export type JobEnd = { bundle: string } | { failed: unknown };

export interface BaseStoreSettings {
  run: Run;
  pool: EnginePool;
  seed: number;
  versions: Record<string, string>;
  trainable: Trainable;
  /** The end of a job of this run; null where there is no such job. */
  endOf: (job: string) => Promise<JobEnd> | null;
  /** Where the bundle of a base comes from. */
  originOf: (spec: PartSpec, cell: GridCell, device: "cpu" | "cuda") => ModelOrigin;
  signal?: AbortSignal | undefined;
  onEvent?: OnEvent | undefined;
}

/** Rows that the jobs of one symbol share. */
interface Rows {
  dataset: StoredDataset;
  plan: HoldoutPlan;
}

/**
 * Fitted bases for the ensembles of a run, each fitted once: a job of the same run is waited for; a fit of the same rows,
 * parameters, seed and versions is taken from any run of the folder; else it is fitted now, and kept in the run.
 */
export class BaseStore {
  readonly #found = new Map<string, Promise<ReadyBase>>();

  constructor(private readonly settings: BaseStoreSettings) {}

  /** @throws what the fit throws; a later call tries again. */
  ready(spec: PartSpec, cell: GridCell, rows: Rows): Promise<ReadyBase> {
    const job = jobName(spec.definition.id, cell.symbol, cell.horizon);
    const found = this.#found.get(job) ?? this.#find(job, spec, cell, rows);
    this.#found.set(job, found);
    found.catch(() => this.#found.delete(job));
    return found;
  }

  async #find(job: string, spec: PartSpec, cell: GridCell, { dataset, plan }: Rows): Promise<ReadyBase> {
    const { run, pool, endOf, seed, versions, onEvent } = this.settings;
    const own = endOf(job);
    if (own !== null) {
      const end = await own;
      if ("failed" in end) throw end.failed;
      return { dir: join(run.dir, end.bundle), source: "job of this run" };
    }
    const device = typeof spec.device === "function" ? await spec.device() : spec.device;
    const { definition, model_params, training } = spec;
    const facts = {
      definition,
      model_params,
      training,
      dataset,
      horizon: cell.horizon,
      seed,
      device,
      versions,
      workers: pool.workers,
    };
    const digest = fitDigest({ ...facts, train: plan.train, stop: plan.stop });
    if (digest !== null) {
      const same = await this.#sameFit(job, digest, { cell, dataset, model: definition.id });
      if (same !== null) {
        onEvent?.({ event: "notice", job: cell.job, message: `${job} is taken from ${same.source}: the same fit.` });
        return same;
      }
    }
    return this.#make(job, { ...spec, device }, { cell, dataset, plan, digest });
  }

  /** This run first, for what an interrupted process has finished; then the others, the newest first. */
  async #sameFit(
    job: string,
    digest: string,
    { cell, dataset, model }: { cell: GridCell; dataset: StoredDataset; model: string },
  ): Promise<ReadyBase | null> {
    const { run } = this.settings;
    const others = Run.list(run.runsDir)
      .filter(({ dir }) => resolve(dir) !== resolve(run.dir))
      .reverse();
    for (const { dir, id } of [run, ...others]) {
      for (const folder of ["models", BASES_FOLDER]) {
        const bundle = pathUnder(dir, folder, job);
        const claimed = manifestOf(bundle);
        if (claimed?.fit_sha256 !== digest) continue;
        // A digest is a claim: what it stands for is looked at, too.
        const { symbol, horizon } = cell;
        const { fingerprint, features } = dataset.manifest;
        const wanted = { kind: "engine", model, symbol, horizon, dataset_fingerprint: fingerprint };
        const same = Object.entries(wanted).every(([key, value]) => claimed[key as keyof typeof wanted] === value);
        if (!same || claimed.features.join("\n") !== features.join("\n") || !(await canAnswer(bundle))) continue;
        return { dir: bundle, source: id === run.id ? "this run" : `run ${id}` };
      }
    }
    return null;
  }

  async #make(
    job: string,
    spec: PartSpec & { device: "cpu" | "cuda" },
    { cell, dataset, plan, digest }: Rows & { cell: GridCell; digest: string | null },
  ): Promise<ReadyBase> {
    const { run, pool, seed, trainable, originOf, signal, onEvent } = this.settings;
    const workDir = join(run.dir, WORK_FOLDER, `base_${job}`);
    rmSync(workDir, { recursive: true, force: true });
    mkdirSync(workDir, { recursive: true });
    const sequence = spec.definition.capabilities.input === "sequence";
    const checkpointDir = join(run.dir, CHECKPOINTS_FOLDER, job);
    if (sequence) mkdirSync(checkpointDir, { recursive: true });
    onEvent?.({ event: "stage", job: cell.job, stage: "fit", message: `base ${spec.definition.id}` });
    const model = trainable(spec.definition, {
      pool,
      model_params: spec.model_params,
      training: spec.training,
      seed,
      device: spec.device,
      workDir,
      rowsDir: join(run.dir, WORK_FOLDER, "rows"),
      ...(sequence ? { checkpointDir } : {}),
      label: job,
      signal,
      origin: { ...originOf(spec, cell, spec.device), fitSha256: digest },
    });
    try {
      const labels = (rows: Int32Array): Int8Array => labelsOf(dataset, cell.horizon, rows);
      await model.fit(viewOf(dataset, plan.train), labels(plan.train), viewOf(dataset, plan.stop), labels(plan.stop), {
        sampleWeights: weightsOf(dataset, cell.horizon, plan.train),
        ...(signal === undefined ? {} : { signal }),
        onProgress: ({ step, total, metrics }) =>
          onEvent?.({ event: "progress", job: cell.job, stage: `base ${spec.definition.id}`, step, total, metrics }),
      });
      const dir = pathUnder(run.dir, BASES_FOLDER, job);
      // What is left there of a damaged bundle.
      rmSync(dir, { recursive: true, force: true });
      await model.save(dir);
      if (sequence) rmSync(checkpointDir, { recursive: true, force: true });
      return { dir, source: "fitted for this run's ensembles" };
    } finally {
      await model.dispose();
    }
  }
}

function manifestOf(bundle: string): BundleManifest | null {
  const path = join(bundle, MANIFEST_NAME);
  if (!existsSync(path)) return null;
  try {
    return parseManifest(readRegular(path, 16 * 2 ** 20), path);
  } catch {
    return null; // another version's, or damaged: not one to take
  }
}

/** Whatever is wrong with a bundle that is not needed: it is not taken. */
async function canAnswer(bundle: string): Promise<boolean> {
  try {
    const base = await openBase(bundle);
    await base.close();
    return true;
  } catch {
    return false;
  }
}
