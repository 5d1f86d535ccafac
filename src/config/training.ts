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
  validation: z
    .strictObject({
      embargo: z
        .union([z.int().min(0), z.string().regex(/^\d+[mhd]?$/), z.null()])
        .default(null)
        .describe(
          "Bars (100) or time (4h) left out before each border; null: max(1 % of train and validation rows, 59).",
        ),
    })
    .prefault({})
    .describe("How rows are kept apart."),
  plugins: z
    .array(z.string().min(1))
    .default([])
    .describe("Modules that add a model; paths are relative to the working folder."),
});

export type TrainingConfig = z.output<typeof trainingFileSchema>;

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

/** A model's file, before its model is known: `config/models/{id}.yaml`, or an entry of `models:`. */
export const modelFileSchema = z.strictObject({
  model_params: section.optional(),
  training: section.optional(),
  preset: z.string().min(1).optional(),
  presets: z
    .record(z.string(), z.strictObject({ model_params: section.optional(), training: section.optional() }))
    .optional(),
});

/** What `--config` takes besides a model's file: the training file with a `models:` section, such as a run's `config.yaml`. */
export const configFileSchema = trainingFileSchema.extend({
  foldwise: z.string().optional().describe("The version that wrote the file."),
  command: z.string().optional().describe("The command that wrote the file."),
  grid: grid.partial().optional().describe("Models, symbols and horizons of that call."),
  models: z.record(z.string(), modelFileSchema).default({}).describe("Model id → its model file."),
});
