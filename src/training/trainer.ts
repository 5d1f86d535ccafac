import { dirname } from "node:path";
import { DEFAULT_RUNS } from "../artifacts/index.js";
import { requireVaryingRows } from "../data/index.js";
import { createPool, type EnginePool } from "../engine/index.js";
import type { ServedModel } from "../inference/index.js";
import type { Report } from "../report/index.js";
import {
  type FitProgress,
  type OnEvent,
  type TimeSeriesDataContainer,
  type TrainingMetrics,
  throwIfAborted,
} from "../types/index.js";
import { resolveCall } from "./call.js";
import type { CellResult } from "./cell.js";
import { planGrid } from "./grid.js";
import { holdoutOf } from "./opened.js";
import { createRun, type Session } from "./session.js";
import { execute } from "./trainJob.js";

export interface TrainerOptions {
  /** Folder of all runs; `experiments/runs` by default. */
  runs?: string;
  /** Configuration and plug-ins are looked for from here; the working folder by default. */
  cwd?: string;
  /** Workers to fit in, which stay the caller's to close; one of the trainer's own by default. */
  pool?: EnginePool;
}

export interface TrainModelOptions {
  /** Sections `model_params` and `training`, as in the model's YAML; stronger than any file. */
  config?: { model_params?: Record<string, unknown>; training?: Record<string, unknown> };
  preset?: string;
  /** Bars of a window, for sequence models. */
  seqLen?: number;
  seed?: number;
  device?: "auto" | "cpu" | "cuda";
  /** Rows, or a length such as `4h`. */
  embargo?: number | string;
  /** Leave the test part closed. */
  noTest?: boolean;
  runId?: string;
  signal?: AbortSignal;
  onProgress?: (progress: FitProgress) => void;
  onEvent?: OnEvent;
}

export interface TrainedModel {
  /** Served from its bundle, in Node. */
  model: ServedModel;
  metrics: TrainingMetrics;
  report: Report;
  runDir: string;
}

/** Trains registered models on a dataset: the requirements' trainer. */
export class ModelTrainer {
  #pool: EnginePool | undefined;

  constructor(private readonly options: TrainerOptions = {}) {}

  /**
   * Resolves configuration → purges and embargoes rows → fits with weights and early stopping → exports and checks parity in
   * Node → writes bundle, predictions and report into a new run. One test opening, unless `noTest`.
   *
   * @throws FoldwiseError `model.*`, `config.*`, `data.*`, `engine.*`, `bundle.parity_failed`, `interrupted.*`.
   */
  async trainModel(
    name: string,
    container: TimeSeriesDataContainer,
    options: TrainModelOptions = {},
  ): Promise<TrainedModel> {
    const cwd = this.options.cwd ?? process.cwd();
    const { dataset, symbol, horizon } = container;
    const seqLen = options.seqLen ?? container.seqLen;
    const [source] = dataset.manifest.sources;
    const call = await resolveCall({
      cwd,
      models: [name],
      symbols: [symbol],
      horizons: [horizon],
      flags: {
        seed: options.seed,
        preset: options.preset,
        device: options.device,
        "validation.embargo": options.embargo,
      },
      noTest: options.noTest === true,
      // So that the run can be resumed and repeated from its own folder.
      ...(source === undefined ? {} : { data: dirname(source.path) }),
      ...(seqLen === null ? {} : { seqLen }),
      ...(options.config === undefined ? {} : { config: options.config }),
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
    const { plan, fitted } = holdoutOf(call);
    const rows = { dataset, plan: plan(dataset) };
    await requireVaryingRows(dataset, fitted(rows.plan), symbol);
    const opened = new Map([[symbol, rows]]);
    throwIfAborted(options.signal);
    let result: CellResult | undefined;
    let failure: unknown;
    const session: Session = {
      call,
      opened,
      runsDir: this.options.runs ?? DEFAULT_RUNS,
      store: dirname(dataset.dir),
      cwd,
      pool: { lent: this.#lend(cwd) },
      signal: options.signal,
      onEvent: (event) => {
        if (event.event === "progress") {
          options.onProgress?.({ step: event.step, total: event.total, metrics: event.metrics ?? {} });
        }
        options.onEvent?.(event);
      },
      onResult: (finished) => {
        result = finished;
        return "keep";
      },
      onFailure: (cause) => {
        failure = cause;
      },
    };
    const command = `new ModelTrainer().trainModel(${JSON.stringify(name)}, …)`;
    const run = createRun(session, planGrid([name], [symbol], [horizon]), command, options.runId);
    await execute(run, session);
    if (result === undefined) throw failure;
    return { model: result.model, metrics: result.metrics, report: result.reportData, runDir: run.dir };
  }

  /** Ends the trainer's own worker; a later call starts a new one. Without it the worker ends with the process. */
  async close(): Promise<void> {
    await this.#pool?.close();
    this.#pool = undefined;
  }

  #lend(cwd: string): EnginePool {
    if (this.options.pool !== undefined) return this.options.pool;
    this.#pool ??= createPool({ cwd });
    return this.#pool;
  }
}
