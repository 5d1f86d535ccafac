/** Optuna's studies, asked and told through one engine worker. What is tried, pruned and counted is decided by the caller. */
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import {
  createPool,
  type EnginePool,
  type PrunerSpec,
  type SamplerSpec,
  type SpaceDimension,
  type StudySpec,
} from "../../engine/index.js";
import { forgetTemporary, makeTemporary } from "../temporary.js";

export type { PrunerSpec, SamplerSpec, SpaceDimension, StudySpec };

export type ParamValue = string | number | boolean | null;

/** A trial to run; trials that were lost and are run again keep their slot, not their number. */
export interface AskedTrial {
  number: number;
  /** 0: the defaults. */
  slot: number;
  params: Record<string, ParamValue>;
}

const paramValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const params = z.record(z.string(), paramValue);
const trialRecord = z.strictObject({
  number: z.number().int().nonnegative(),
  /** Null: somebody else made it, or its asker died. */
  slot: z.number().int().nonnegative().nullable(),
  state: z.enum(["running", "waiting", "complete", "pruned", "fail"]),
  /** Of a pruned trial the intermediate value of its greatest step. */
  value: z.number().nullable(),
  params,
  /** [step, value], ascending by step. */
  intermediate: z.array(z.tuple([z.number().int(), z.number().nullable()])),
  attrs: z.record(z.string(), z.unknown()),
  /** ISO, UTC. */
  started: z.string().nullable(),
  ended: z.string().nullable(),
});

/** A trial as the study's file has it. */
export type TrialRecord = z.infer<typeof trialRecord>;

export interface TunerOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv | undefined;
  /** The worker's log; null: none yet. */
  logFile?: (() => string | null) | undefined;
}

/** How a trial ended. `value` is finite. */
export type TrialEnd = { state: "complete"; value: number } | { state: "pruned" } | { state: "fail" };

export interface OpenedStudy {
  study: Study;
  /** False: the file had a study of this name. */
  created: boolean;
  /** Those of the study, whoever made it. */
  attrs: Record<string, unknown>;
  trials: TrialRecord[];
}

/** One tuner worker for all studies of a call. */
export class Tuner {
  readonly #desk: Desk;

  private constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** The worker begins at once to import Optuna, which takes a second. What goes wrong with that is told by `open`. */
  static start({ cwd, env, logFile }: TunerOptions): Tuner {
    const pool = createPool({ workers: 1, threads: 1, cwd, env, logFile });
    pool.run({ type: "tuner" }).catch(() => {});
    return new Tuner(new Desk(pool, cwd));
  }

  /**
   * Opens a study, or makes it with the attributes `attrs` where its file has none. The file's folder is there.
   * Rejects with `tuning.bad_study` (the file is damaged, or none of Optuna's), `tuning.other_optuna` (made by a version with
   * other tables), `tuning.study_locked` (another process has held it for a minute), or as a pool does.
   */
  async open(spec: StudySpec, attrs: Record<string, unknown>): Promise<OpenedStudy> {
    const absolute = { ...spec, file: resolve(this.#desk.cwd, spec.file) };
    const { result, trials } = await this.#desk.readTrials((out) =>
      this.#desk.pool.run({ type: "study", study: absolute, attrs, out }),
    );
    return { study: new Study(this.#desk, absolute), created: result.created, attrs: result.attrs, trials };
  }

  /** Ends the worker and removes its temporary files. May be called twice. */
  close(): Promise<void> {
    return this.#desk.close();
  }
}

/** One study. Its methods reject as `Tuner.open` does; each is one step, done whole or not at all, also between processes. */
export class Study {
  readonly #desk: Desk;
  readonly #spec: StudySpec;
  /** Complete trials, as far as is known here; the tuner decides. */
  #completed = 0;

  constructor(desk: Desk, spec: StudySpec) {
    this.#desk = desk;
    this.#spec = spec;
  }

  /** The next trial: one that waits, else one of the next slot; null when `target` slots have been given. */
  async ask(request: {
    sampler: SamplerSpec;
    target: number;
    /** Parameters of slot 0; one that is absent is drawn. */
    defaults: Record<string, ParamValue>;
    /** Who asks; the trial's attribute `owner`. */
    owner: Record<string, unknown>;
  }): Promise<AskedTrial | null> {
    // The pool repeats a request whose worker died: by its token, a trial that was made already is answered again.
    const job = { type: "ask", study: this.#spec, token: randomUUID(), ...request } as const;
    const { trial, completed } = await this.#desk.pool.run(job);
    this.#completed = Math.max(this.#completed, completed);
    return trial === null ? null : { ...trial, params: params.parse(trial.params) };
  }

  /** Whether its pruner compares whole folds, in whichever order they are done. */
  get racing(): boolean {
    return this.#spec.pruner.kind === "race";
  }

  /** Whether the study's pruner may end a trial at this step; it does not, where too few have shown enough yet. */
  mayPruneAt(step: number): boolean {
    const { pruner, steps_per_fold: steps } = this.#spec;
    const round = ((step - 1) % steps) + 1;
    switch (pruner.kind) {
      case "none":
        return false;
      case "hyperband":
        return true;
      case "race":
        return this.#completed >= pruner.startup && round === steps;
      case "median":
        return this.#completed >= pruner.startup && (round > pruner.warmup || round === steps);
    }
  }

  /**
   * Intermediate values [step, value] of a running trial as they came; the first `judgeFrom` of them (null: all) are only kept.
   * The step at which to prune it, or null.
   */
  async report(
    trial: number,
    values: readonly (readonly [number, number])[],
    judgeFrom: number | null,
  ): Promise<number | null> {
    const pairs = values.map(([step, value]): [number, number] => [step, value]);
    const job = { type: "report", study: this.#spec, trial, values: pairs, judge_from: judgeFrom } as const;
    return (await this.#desk.pool.run(job)).prune_at;
  }

  /** Ends a trial; one that has ended already is left as it is. */
  async tell(trial: number, end: TrialEnd, attrs: Record<string, unknown> = {}): Promise<void> {
    const value = end.state === "complete" ? end.value : null;
    await this.#desk.pool.run({ type: "tell", study: this.#spec, trial, state: end.state, value, attrs });
    if (end.state === "complete") this.#completed++;
  }

  /** Those of the trials that still run are told to have failed, and wait in their slot to be asked for again. Answers which. */
  async requeue(trials: readonly number[]): Promise<number[]> {
    return (await this.#desk.pool.run({ type: "requeue", study: this.#spec, trials: [...trials] })).requeued;
  }

  /** fANOVA over the complete trials: parameter → share, of those parameters that all of them have; empty where there is none. */
  async importance(seed: number): Promise<Record<string, number>> {
    return (await this.#desk.pool.run({ type: "importance", study: this.#spec, seed })).importance;
  }

  /** All trials of the study, ascending by number. */
  async trials(): Promise<TrialRecord[]> {
    const { trials } = await this.#desk.readTrials((out) =>
      this.#desk.pool.run({ type: "trials", study: this.#spec, out }),
    );
    return trials;
  }
}

/** The worker, and the folder for what is too long for a message. */
class Desk {
  readonly pool: EnginePool;
  readonly cwd: string;
  #folder: string | null = null;
  #files = 0;

  constructor(pool: EnginePool, cwd: string) {
    this.pool = pool;
    this.cwd = cwd;
  }

  /** Runs a job that writes trials to `out`, and reads them. */
  async readTrials<R>(job: (out: string) => Promise<R>): Promise<{ result: R; trials: TrialRecord[] }> {
    this.#folder ??= makeTemporary();
    const out = join(this.#folder, `trials${++this.#files}.json`);
    try {
      const result = await job(out);
      return { result, trials: z.array(trialRecord).parse(JSON.parse(await readFile(out, "utf8"))) };
    } finally {
      await rm(out, { force: true });
    }
  }

  async close(): Promise<void> {
    await this.pool.close();
    const folder = this.#folder;
    this.#folder = null;
    if (folder === null) return;
    await rm(folder, { recursive: true, force: true });
    forgetTemporary(folder);
  }
}
