import { setImmediate } from "node:timers/promises";
import type { BarsFile } from "../data/index.js";
import { type FeatureDefinition, type FeaturePlan, featureSteps, planFromSpec } from "../features/index.js";
import { Calendar, piecesOfBars } from "../market/index.js";
import {
  type Bars,
  type DateOrder,
  FoldwiseError,
  MICROS_PER_MINUTE,
  type PipelineSpec,
  type Timestamps,
  throwIfAborted,
} from "../types/index.js";
import { readMarketBars } from "./market.js";
import { loadFeaturePlugins } from "./plugins.js";

/** Rows that a model of this pipeline takes. */
export interface FeatureRows {
  /** (N) close stamps. */
  timestamps: Timestamps;
  /** (F) in the pipeline's order. */
  featureNames: string[];
  /** Row-major (N, F). */
  X: Float32Array;
}

export interface RowsOptions {
  /**
   * Modules that may define features, where the pipeline has some from plug-ins. Importing a module runs its code, so those that a
   * bundle names are not imported on its word: the caller names them.
   */
  plugins?: readonly string[];
  /** Feature plug-ins are looked for from here; the working folder by default. */
  cwd?: string;
  /** Modal step of the bars, where it is known: refused where the pipeline has another. */
  step?: number | null;
  /** File of rolls, for bars without a `contract` column. */
  rolls?: string;
  /** What dates such as 03/04/2024 mean; the pipeline's where left out, and where it has none the file decides. */
  dateOrder?: DateOrder;
  onNotice?: (message: string) => void;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/**
 * Turns bars into the rows that `prepare` made of such bars when the model was trained: the same features by the same code, the
 * leading `warmup` bars left away. Contracts are joined already (`rowsFromBarsFile` does it).
 *
 * @throws FoldwiseError `data.step_differs`, `data.too_few_bars`, `bundle.feature_plugins`, and what plug-ins and features throw.
 */
export async function rowsFromBars(
  pipeline: PipelineSpec,
  bars: Bars,
  options: RowsOptions = {},
): Promise<FeatureRows> {
  const { step = null } = options;
  // A short file with holes has no clear step of its own; what it has is then taken for the pipeline's.
  if (step !== null && pipeline.step !== null && step !== pipeline.step) {
    throw new FoldwiseError(
      "data.step_differs",
      `The bars have a step of ${minutes(step)} minutes, but the model was trained on bars of ${minutes(pipeline.step)} minutes.`,
      {
        remedy: "Give bars of the length that the model was trained on.",
        details: { got: step, expected: pipeline.step },
      },
    );
  }
  const plugins = await pluginsOf(pipeline, options);
  return featureRows(planOf(pipeline, plugins), bars, options);
}

function planOf(
  { features, step, sessions, outsideSession }: PipelineSpec,
  plugins: readonly FeatureDefinition[],
): FeaturePlan {
  try {
    const calendar = new Calendar(sessions);
    return planFromSpec(features, { step, calendar, outside: outsideSession === "keep", plugins });
  } catch (cause) {
    if (cause instanceof FoldwiseError) throw cause;
    throw new FoldwiseError("bundle.bad_pipeline", "The pipeline's features are not those of this version.", {
      remedy: "Update Foldwise, or train the model again with this version.",
      cause,
    });
  }
}

async function pluginsOf(
  { features }: PipelineSpec,
  { plugins = [], cwd = process.cwd() }: RowsOptions,
): Promise<FeatureDefinition[]> {
  if (features.plugins.length === 0) return [];
  if (plugins.length > 0) return loadFeaturePlugins(plugins, cwd);
  const names = features.plugins.join(", ");
  throw new FoldwiseError(
    "bundle.feature_plugins",
    `Some features of this bundle are computed by ${names}, and a plug-in is code that would run here.`,
    {
      remedy: `If you trust it, name it: --feature-plugin ${features.plugins.join(" --feature-plugin ")}, or list it under features: plugins: in config/prepare.yaml.`,
      details: { plugins: features.plugins },
    },
  );
}

/** Reads a file of bars by the pipeline's bar time and zone, and turns it into rows; `piece` is (N), as `prepare` would write it. */
export async function rowsFromBarsFile(
  pipeline: PipelineSpec,
  path: string,
  options: Omit<RowsOptions, "step"> = {},
): Promise<FeatureRows & { file: BarsFile; piece: Int32Array }> {
  const { barTime, timeZone, rolls: earlier } = pipeline;
  const { rolls, onNotice, dateOrder = pipeline.dateOrder } = options;
  const market = await readMarketBars(path, pipeline, {
    barTime,
    timeZone,
    earlier,
    ...(rolls === undefined ? {} : { rolls }),
    ...(dateOrder === undefined ? {} : { dateOrder }),
    ...(onNotice === undefined ? {} : { onNotice }),
  });
  const { file, adjusted, unadjusted } = market;
  const rows = await rowsFromBars(pipeline, adjusted.bars, { ...options, step: file.step });
  const { timestamp, n } = adjusted.bars;
  const piece = piecesOfBars(pipeline, timestamp, unadjusted).subarray(n - rows.timestamps.length);
  return { ...rows, file, piece };
}

/** The rows after the plan's warm-up; what `prepare` and `predict --bars` share. Signals get through while it works. */
export async function featureRows(
  plan: FeaturePlan,
  bars: Bars,
  { onProgress, signal }: Pick<RowsOptions, "onProgress" | "signal"> = {},
): Promise<FeatureRows> {
  if (bars.n <= plan.warmup) {
    throw new FoldwiseError(
      "data.too_few_bars",
      `There are ${bars.n} bars, but the features need ${plan.warmup} bars before their first complete row.`,
      {
        remedy: `Give more than ${plan.warmup} bars: those before the first row wanted, too.`,
        details: { bars: bars.n, warmup: plan.warmup },
      },
    );
  }
  const steps = featureSteps(plan, bars);
  for (;;) {
    throwIfAborted(signal);
    const step = steps.next();
    if (step.done) {
      const { names, X } = step.value;
      const timestamps = bars.timestamp.subarray(plan.warmup);
      return { timestamps, featureNames: names, X: X.subarray(plan.warmup * names.length) };
    }
    onProgress?.(step.value, bars.n);
    await setImmediate();
  }
}

function minutes(micros: number): number {
  return micros / MICROS_PER_MINUTE;
}
