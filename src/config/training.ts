import { z } from "zod";

const symbol = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);
const horizon = z.int().min(1).max(1_000_000);
const seqLen = (length: number, model: string) =>
  z.int().min(1).max(100_000).default(length).describe(`Window of ${model}, in bars.`);

/** The requirements' `training:` section. Family values stand for every model of the family; the model's own file is stronger. */
const training = z.strictObject({
  default_horizons: z
    .array(horizon)
    .min(1)
    .default([5, 10, 15, 20])
    .describe("Horizons in bars, where --horizon is not given."),
  default_symbols: z.array(symbol).min(1).default(["MES", "MGC"]).describe("Symbols, where --symbol is not given."),
  boosting: z
    .strictObject({
      early_stopping_rounds: z
        .int()
        .min(1)
        .nullable()
        .default(50)
        .describe("Rounds without improvement after which a fit stops; null: never."),
      num_boost_round: z.int().min(1).max(100_000).default(1000).describe("Most rounds."),
    })
    .prefault({})
    .describe("xgboost, lightgbm, catboost."),
  neural: z
    .strictObject({
      max_epochs: z.int().min(1).max(100_000).default(200).describe("Most epochs."),
      batch_size: z.int().min(1).max(1_000_000).default(256).describe("Labelled outputs a step."),
      patience: z.int().min(1).default(20).describe("Epochs without improvement after which a fit stops."),
      default_seq_lens: z
        .strictObject({
          lstm: seqLen(30, "lstm"),
          gru: seqLen(30, "gru"),
          tcn: seqLen(60, "tcn"),
          transformer: seqLen(60, "transformer"),
        })
        .prefault({})
        .describe("Window lengths in bars."),
    })
    .prefault({})
    .describe("lstm, gru, tcn, transformer."),
  classical: z
    .strictObject({
      n_jobs: z
        .union([z.literal(-1), z.int().min(1).max(1024)])
        .default(-1)
        .describe("Threads of one fit; -1: all that its worker has."),
    })
    .prefault({})
    .describe("random_forest, logistic, svm. They have no early stopping."),
  gpu: z
    .strictObject({
      auto_detect: z
        .boolean()
        .default(true)
        .describe("Look for a CUDA device; false: use the CPU unless device says cuda."),
      prefer_gpu: z.boolean().default(true).describe("Use a device that was found, where the model can."),
    })
    .prefault({})
    .describe("What `device: auto` does."),
});

/** `config/training.yaml`: the requirements' section, and beside it what belongs to a whole call. */
export const trainingFileSchema = z.strictObject({
  training: training.prefault({}).describe("Defaults of the families."),
  seed: z.int().min(0).max(0xffff_ffff).default(7).describe("Seed of everything random."),
  preset: z
    .string()
    .min(1)
    .default("market")
    .describe("market: for noisy labels. reference: the requirements' numbers. Or one of a model file's own presets."),
  device: z
    .enum(["auto", "cpu", "cuda"])
    .default("auto")
    .describe("Where models are fitted; auto: as training.gpu says."),
  workers: z.int().min(1).max(1024).default(1).describe("Worker processes; the cores are shared between them."),
  calibration: z
    .enum(["auto", "none", "temperature", "prior", "pool", "vector"])
    .default("auto")
    .describe(
      "How probabilities are calibrated on the calibrate rows; auto: what helps on purged folds of them, or nothing.",
    ),
  decision: z
    .strictObject({
      level: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.9)
        .describe("Share of rows whose prediction set is to hold the true class, above 0 and below 1."),
      sets: z
        .enum(["plain", "class_conditional", "adaptive"])
        .default("plain")
        .describe(
          "plain: the level holds over all rows; class_conditional: within each class; adaptive: follows drift as labels become known.",
        ),
      signal: z
        .enum(["expected_value", "probability", "set_size"])
        .default("expected_value")
        .describe(
          "When to trade. expected_value: it exceeds a round trip's cost; probability: the largest reaches the threshold; set_size: one class in the set.",
        ),
      threshold: z
        .number()
        .gt(0)
        .lte(1)
        .default(0.5)
        .describe("Of signal: probability, and of the others where what they need is missing."),
    })
    .prefault({})
    .describe("Prediction sets and signals of train, fitted on the calibrate rows."),
  validation: z
    .strictObject({
      embargo: z
        .union([z.int().min(0), z.string().regex(/^\d+[mhd]?$/), z.null()])
        .default(null)
        .describe(
          "Bars (100) or time (4h) left out before each border; null: max(1 % of train and validation rows, 59).",
        ),
      seeds: z
        .array(z.int().min(0).max(0xffff_ffff))
        .min(1)
        .max(127)
        .refine((seeds) => new Set(seeds).size === seeds.length, "A seed is named twice; each must be another.")
        .nullable()
        .default(null)
        .describe("Of cv: all folds are fitted once for each; null: the seed of the call."),
      scheme: z
        .enum(["kfold", "walk-forward", "cpcv"])
        .default("kfold")
        .describe(
          "Of cv. kfold: every row tested once; walk-forward: trained on the past only; cpcv: every choice of test groups.",
        ),
      folds: z.int().min(1).max(127).default(5).describe("Folds of kfold, steps of walk-forward."),
      window: z
        .enum(["expanding", "rolling"])
        .default("expanding")
        .describe("walk-forward: train on all of the past, or on as much as the first step does."),
      train_rows: z
        .int()
        .min(1)
        .nullable()
        .default(null)
        .describe("walk-forward by rows: training rows of the first step; with test_rows, in the place of folds."),
      test_rows: z.int().min(1).nullable().default(null).describe("walk-forward by rows: tested rows of a step."),
      period: z
        .enum(["day", "week", "month", "quarter", "year"])
        .nullable()
        .default(null)
        .describe("walk-forward by calendar (UTC): a step tests one of them; in the place of folds."),
      train_periods: z
        .int()
        .min(1)
        .default(1)
        .describe("walk-forward by calendar: periods before the first tested one."),
      groups: z.int().min(2).max(127).default(10).describe("cpcv: groups of neighbouring rows."),
      test_groups: z.int().min(1).max(126).default(2).describe("cpcv: groups that a split tests."),
      prior_trials: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(0)
        .describe("Of cv: configurations that were tried before or elsewhere, beside those of the runs folder."),
    })
    .prefault({})
    .describe("How rows are kept apart."),
  tuning: z
    .strictObject({
      trials: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(50)
        .describe("Trials that the study is to hold, those of earlier calls included."),
      timeout: z
        .string()
        .regex(/^[1-9]\d{0,8}[smh]$/)
        .meta({ examples: ["90s", "30m", "2h"] })
        .nullable()
        .default(null)
        .describe("No trial begins after so long (90s, 30m, 2h); several models share it. null: no limit."),
      sampler: z
        .enum(["tpe", "random", "qmc"])
        .default("tpe")
        .describe("How trials are drawn. tpe: learns from finished ones; random; qmc: spread evenly (Sobol)."),
      pruner: z
        .enum(["auto", "race", "median", "hyperband", "none"])
        .default("auto")
        .describe(
          "What ends trials that promise nothing. race: after a fold, what is not among the best quarter; median, hyperband: within folds, by rounds; auto: race for losses, none for other metrics, which losses do not show.",
        ),
      metric: z
        .enum(["logloss", "brier", "accuracy", "f1_macro", "mcc", "sharpe"])
        .default("logloss")
        .describe("What the best trial is best at, on the tested rows of its folds; sharpe needs returns."),
      refit: z
        .enum(["train", "train_val"])
        .default("train")
        .describe(
          "Rows of the last fit. train: as train does; train_val: validation rows too, for the median of the best rounds of the folds.",
        ),
      nested: z
        .boolean()
        .default(false)
        .describe("Tune inside each outer fold too: an unbiased estimate, at the price of as many studies."),
      pbo: z
        .boolean()
        .default(false)
        .describe("Finish up to 20 pruned trials after the search, for the probability of backtest overfitting."),
    })
    .prefault({})
    .describe("Of tune; folds and scheme are those of validation."),
  plugins: z
    .array(z.string().min(1))
    .default([])
    .describe("Modules that add a model; paths are relative to the working folder."),
});

export type TrainingConfig = z.output<typeof trainingFileSchema>;

/** The section `tuning` of `config/training.yaml`. */
export type TuningConfig = TrainingConfig["tuning"];

/** Milliseconds of a `tuning.timeout` (`90s`, `30m`, `2h`); null for no limit. */
export function timeoutMs(timeout: TuningConfig["timeout"]): number | null {
  if (timeout === null) return null;
  const unit = { s: 1000, m: 60_000, h: 3_600_000 }[timeout.at(-1)!]!;
  return Number(timeout.slice(0, -1)) * unit;
}

/** What a finished call was about, in its `config.yaml`; flags are stronger. */
const grid = z.strictObject({
  models: z.array(z.string()).min(1).describe("Models that were trained."),
  symbols: z.array(symbol).min(1),
  horizons: z.array(horizon).min(1),
  seq_len: z.int().min(1).nullable().describe("--seq-len; null: each model's own."),
  data: z.string().nullable().describe("--data; null: the default folders."),
  test: z.boolean().describe("Whether the test part was opened."),
});

export type Grid = z.output<typeof grid>;

const section = z.record(z.string(), z.unknown());

/** Says that a model's values were chosen on train and validation rows, and by which study; `foldwise tune` writes it. */
export const tunedMark = z.strictObject({
  run_id: z.string().min(1).describe("Run that wrote the file."),
  study: z.string().min(1).describe("Study that chose the values."),
  symbol: symbol.describe("Symbol that it was chosen for."),
  horizon: horizon.describe("Horizon in bars that it was chosen for."),
  trials: z.int().min(1).describe("Trials that the study held."),
  metric: z.string().min(1).describe("What the values are best at."),
  fingerprint: z.string().min(1).describe("Of the data that the study saw."),
  rows: z.literal("train and validation").describe("Rows that the choice was made on."),
});

export type TunedMark = z.output<typeof tunedMark>;

/** A model's file, before its model is known: `config/models/{id}.yaml`, or an entry of `models:`. */
export const modelFileSchema = z.strictObject({
  model_params: section.optional(),
  training: section.optional(),
  preset: z.string().min(1).optional(),
  presets: z
    .record(z.string(), z.strictObject({ model_params: section.optional(), training: section.optional() }))
    .optional(),
  search_space: section.optional(),
  tuned: tunedMark.nullable().optional(),
});

/** What `--config` takes besides a model's file: the training file with a `models:` section, such as a run's `config.yaml`. */
export const configFileSchema = trainingFileSchema.extend({
  foldwise: z.string().optional().describe("The version that wrote the file."),
  command: z.string().optional().describe("The command that wrote the file."),
  grid: grid.partial().optional().describe("Models, symbols and horizons of that call."),
  models: z.record(z.string(), modelFileSchema).default({}).describe("Model id → its model file."),
});
