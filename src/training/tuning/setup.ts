import { join } from "node:path";
import { type Run, WORK_FOLDER } from "../../artifacts/index.js";
import { type ResolvedModel, symbolMarket, type TrainingConfig } from "../../config/index.js";
import type { EnginePool } from "../../engine/index.js";
import type { ModelDefinition } from "../../models/index.js";
import type { TradingInput } from "../../report/index.js";
import { FoldwiseError, type OnEvent, type StoredDataset } from "../../types/index.js";
import type { HoldoutPlan } from "../../validation/index.js";
import { specsOf } from "../callParts.js";
import type { CvPlan } from "../cv/plan.js";
import { rowsTested } from "../cv/repeats.js";
import { tradingOf } from "../cv/trading.js";
import { chooseDevice, settlePrecision } from "../device.js";
import { partSpecs, shareBases } from "../ensemble/index.js";
import type { GridCell } from "../grid.js";
import { requireHorizon } from "../rows.js";
import { originOfCell, type Session, versionsOf } from "../session.js";
import { type Objective, objectiveOf } from "./objective.js";
import { spaceOf, type TuningSpace } from "./space.js";
import type { TrialContext } from "./trial.js";
import type { SamplerSpec } from "./tuner.js";

/** Rows of a symbol, as its trials use them and as its winner does. */
export interface TunePlans {
  cv: CvPlan;
  holdout: HoldoutPlan;
}

/** One job of a tuning run, and what it has to work with. */
export interface TuneWork {
  run: Run;
  session: Session<TunePlans>;
  cell: GridCell;
  pool: EnginePool;
  /** Folder of the studies. */
  studies: string;
  signal?: AbortSignal | undefined;
  onEvent: OnEvent;
}

/** A job with every decision made that comes before the first trial. */
export interface Setup {
  definition: ModelDefinition;
  settings: ResolvedModel;
  dataset: StoredDataset;
  plans: TunePlans;
  config: TrainingConfig;
  space: TuningSpace;
  trading: TradingInput | { reason: string };
  objective: Objective;
  sampler: SamplerSpec;
  /** Trials' folds, kept in `keepDir`. */
  context: TrialContext;
  versions: Record<string, string>;
  notices: string[];
  /** Lets go of what trials share. */
  dispose(): Promise<void>;
}

/** @param keepDir Where finished folds of trials are kept. */
export async function setUp(work: TuneWork, keepDir: string): Promise<Setup> {
  const { session, cell, pool, run, onEvent } = work;
  const { call, opened, cwd } = session;
  const { config } = call.training;
  const state = opened.get(cell.symbol);
  if (state === undefined || state instanceof FoldwiseError) throw state ?? new Error(`${cell.symbol} was not opened`);
  const { dataset, plan: plans } = state;
  requireHorizon(dataset, cell.horizon);
  const chosen = call.models.find(({ definition }) => definition.id === cell.model);
  if (chosen === undefined) throw new Error(`${cell.model} was not resolved`);
  const { definition } = chosen;
  const { device, notice } = await chooseDevice(definition, chosen.settings, config, pool);
  const settings = await settlePrecision(chosen.settings, device, pool);
  const notices = notice === undefined ? [] : [notice];
  const trading = tradingOf(dataset, cell, rowsTested(plans.cv), symbolMarket(cell.symbol, cwd));
  const objective = objectiveOf(config.tuning.metric, trading);
  const space = spaceOf(definition, settings);
  if (space.outside.length > 0) {
    notices.push(
      `The defaults of ${space.outside.join(", ")} lie outside of the search space: trial 0 is fitted with them, and recorded as the nearest points.`,
    );
  }
  for (const message of notices) onEvent({ event: "notice", job: cell.job, message });
  const { manifest } = dataset;
  const versions = versionsOf(call);
  const seeds = config.validation.seeds ?? [config.seed];
  const rounds = roundsOf(definition, settings, space);
  const shared = shareBases(join(run.dir, WORK_FOLDER, `${cell.job}_bases`), work.signal);
  const specOf = definition.kind === "ensemble" ? await specsOf(call, pool) : null;
  const known = [...call.models, ...call.parts].map((each) => each.definition);
  const context: TrialContext = {
    run,
    cell,
    definition,
    ensembleOf: ({ model_params }) =>
      definition.kind !== "ensemble" || specOf === null
        ? undefined
        : {
            ...partSpecs(definition, model_params, { known, others: known, specOf: ({ id }) => specOf(id) }),
            embargo: plans.cv.embargo,
            shared,
          },
    dataset,
    plan: plans.cv,
    seeds,
    device,
    origin: originOfCell({ call, cwd, run, versions }, { cell, chosen: { ...chosen, settings }, manifest }, "tune"),
    pool,
    keepDir,
    rounds,
    every: everyOf(definition, rounds),
    sign: objective.direction === "minimize" ? 1 : -1,
  };
  return {
    definition,
    settings,
    dataset,
    plans,
    config,
    space,
    trading,
    objective,
    sampler: { kind: config.tuning.sampler, seed: config.seed, constant_liar: pool.workers > 1 },
    context,
    versions,
    notices,
    dispose: () => shared.dispose(),
  };
}

const ROUNDS_KEYS = ["num_boost_round", "max_epochs"] as const;

/** Most rounds or epochs that a fold of any trial may have; 1 for models without. */
function roundsOf(
  { capabilities }: ModelDefinition,
  { training }: Pick<ResolvedModel, "training">,
  { dimensions }: TuningSpace,
): number {
  if (!capabilities.earlyStopping) return 1;
  for (const key of ROUNDS_KEYS) {
    const own = training[key];
    if (typeof own !== "number") continue;
    const searched = dimensions.find(({ name }) => name === `training.${key}`);
    return Math.max(own, searched?.type === "int" ? searched.high : own);
  }
  return 1;
}

/** An epoch is long enough to be told; of boosting rounds every hundredth part of the most. */
const everyOf = ({ capabilities }: ModelDefinition, rounds: number): number =>
  capabilities.input === "sequence" ? 1 : Math.max(1, Math.floor(rounds / 100));
