/** What the four sequence models share: one training loop has one set of options. */
import { z } from "zod";
import { classWeight, learningRate } from "./common.js";
import type { ModelCapabilities, OldSpelling, SearchDimension } from "./definition.js";

/** `training` of a sequence model's YAML. */
export const neuralTraining = (seqLen: number) =>
  z.strictObject({
    seq_len: z.int().min(1).max(100_000).default(seqLen).describe("Bars of a window (--seq-len)."),
    mode: z
      .enum(["dense", "windowed"])
      .default("dense")
      .describe(
        "dense: segments in which every bar is computed once; windowed: every window by itself, for comparison.",
      ),
    max_epochs: z.int().min(1).max(100_000).default(200).describe("Most epochs."),
    patience: z
      .int()
      .min(1)
      .nullable()
      .default(20)
      .describe("Stop after this many epochs without a better log-loss of the stop rows; null: never."),
    batch_size: z.int().min(1).max(1_000_000).default(256).describe("Labelled outputs a step."),
    lr: learningRate().default(1e-3).describe("Learning rate of AdamW."),
    lr_schedule: z
      .enum(["plateau", "cosine", "constant"])
      .default("plateau")
      .describe("plateau: halved after ten epochs without a better log-loss; cosine: down to zero at max_epochs."),
    weight_decay: z.number().min(0).max(1).default(0.01).describe("Decoupled weight decay of AdamW."),
    grad_clip: z.number().gt(0).nullable().default(1).describe("Largest norm of a step's gradient; null: no limit."),
    precision: z
      .enum(["auto", "fp32", "bf16"])
      .default("auto")
      .describe("auto: fp32 on the CPU, bf16 on a GPU that has it."),
    class_weight: classWeight,
  });

export const neuralCapabilities: ModelCapabilities = {
  input: "sequence",
  earlyStopping: true,
  missingValues: "impute",
  importance: "permutation",
  // A window costs a third of a millisecond, and every feature is shuffled once.
  importanceRows: 128,
  devices: ["cpu", "cuda"],
  scaler: true,
};

export const neuralEngine = { packages: ["torch", "safetensors"], group: "neural" } as const;

/**
 * seq_len is left out: windows of another length end at other rows, and trials are compared on the same ones. So is lr_schedule: early
 * stopping and the default find their way without.
 */
export const neuralSearch: Record<string, SearchDimension> = {
  "training.lr": { type: "float", low: 1e-4, high: 1e-2, log: true },
  "training.weight_decay": { type: "float", low: 1e-4, high: 0.3, log: true },
  "training.batch_size": { type: "categorical", choices: [128, 256, 512] },
};

export const neuralIgnored: Record<string, string> = {
  "training.verbose": "progress is shown by Foldwise (--quiet turns it off)",
  "training.num_workers": "windows are gathered from mapped rows, without a loader",
  "training.seed": "the run's seed is used (--seed)",
};

export const neuralSpellings: readonly OldSpelling[] = [
  { key: "training.learning_rate", to: { key: "training.lr" } },
  { key: "training.epochs", to: { key: "training.max_epochs" } },
  { key: "training.early_stopping_patience", to: { key: "training.patience" } },
  { key: "training.gradient_clip", to: { key: "training.grad_clip" } },
  { key: "model_params.lr", to: { key: "training.lr" } },
  { key: "model_params.seq_len", to: { key: "training.seq_len" } },
];

/** Share of values that are dropped in training. */
export const dropout = (share: number) =>
  z.number().min(0).lt(1).default(share).describe("Share of values dropped in training.");
