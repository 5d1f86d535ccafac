/** The tuner's part of the engine protocol; `foldwise_engine/tuning/protocol.py` holds the same unions. */
import { z } from "zod";
import { count, id, json, path, positive } from "./protocolFields.js";

const name = z.string().min(1);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const dimension = {
  name,
  /** It is drawn only where the one named `name`, which stands before it, has one of `values`. Null: always. */
  when: z.strictObject({ name, values: z.array(scalar) }).nullable(),
};

export const spaceDimension = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("float"), ...dimension, low: z.number(), high: z.number(), log: z.boolean() }),
  z.strictObject({
    type: z.literal("int"),
    ...dimension,
    low: z.number().int(),
    high: z.number().int(),
    log: z.boolean(),
    /** 1 where `log` holds. */
    step: positive,
  }),
  z.strictObject({ type: z.literal("categorical"), ...dimension, choices: z.array(scalar).min(1) }),
]);

export const pruner = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  z.strictObject({
    kind: z.literal("race"),
    /** Completed trials before it prunes. */
    startup: count,
    /** Of the completed trials' values, best first: the worst with which a trial goes on. */
    quantile: z.number().gt(0).lt(1),
    /** Of each fold, in the order of their steps: its weight in a mean. */
    rows: z.array(positive).min(1),
  }),
  /** Completed trials, and rounds of each fold, before it prunes. */
  z.strictObject({ kind: z.literal("median"), startup: count, warmup: count }),
  /** Resources are steps. */
  z.strictObject({
    kind: z.literal("hyperband"),
    min_resource: positive,
    max_resource: positive,
    reduction: positive.min(2),
  }),
]);

/** All that a fresh worker needs to open a study. */
export const studySpec = z.strictObject({
  /** SQLite, in Optuna's schema. */
  file: path,
  name,
  direction: z.enum(["minimize", "maximize"]),
  /** In the order in which they are drawn. */
  space: z.array(spaceDimension),
  pruner,
  /** A step is fold × steps_per_fold + round, round 1 … steps_per_fold; that of the last round holds what the fold came to. */
  steps_per_fold: positive,
});

/** A trial's own seed comes of `seed` and of its slot. */
export const sampler = z.strictObject({
  kind: z.enum(["tpe", "random", "qmc"]),
  seed: count,
  constant_liar: z.boolean(),
});

/** Imports Optuna, so that the first study need not wait for it. */
export const tunerRequest = z.strictObject({ type: z.literal("tuner"), id });

export const studyRequest = z.strictObject({
  type: z.literal("study"),
  id,
  study: studySpec,
  /** The study is made with these where there is none. */
  attrs: json,
  /** JSON file to write: all its trials. */
  out: path,
});

export const askRequest = z.strictObject({
  type: z.literal("ask"),
  id,
  study: studySpec,
  sampler,
  /** So many slots are given. */
  target: positive,
  /** Parameters of slot 0. */
  defaults: json,
  /** Asked again with the same token, a trial that still runs is answered again. */
  token: id,
  owner: json,
});

export const reportRequest = z.strictObject({
  type: z.literal("report"),
  id,
  study: studySpec,
  trial: count,
  /** [step, value], in the order in which they came. */
  values: z.array(z.tuple([positive, z.number()])),
  /** So many of them were spared when they came, and are only kept. Null: all are. */
  judge_from: count.nullable(),
});

export const tellRequest = z.strictObject({
  type: z.literal("tell"),
  id,
  study: studySpec,
  trial: count,
  state: z.enum(["complete", "pruned", "fail"]),
  /** Of a complete trial. */
  value: z.number().nullable(),
  attrs: json,
});

export const requeueRequest = z.strictObject({
  type: z.literal("requeue"),
  id,
  study: studySpec,
  trials: z.array(count),
});

export const importanceRequest = z.strictObject({ type: z.literal("importance"), id, study: studySpec, seed: count });
export const trialsRequest = z.strictObject({ type: z.literal("trials"), id, study: studySpec, out: path });

export const tunerRequests = [
  tunerRequest,
  studyRequest,
  askRequest,
  reportRequest,
  tellRequest,
  requeueRequest,
  importanceRequest,
  trialsRequest,
] as const;

export const tunerResults = [
  /** The version that was imported. */
  z.strictObject({ kind: z.literal("tuner"), optuna: z.string() }),
  /** `attrs` are those that the study has, whoever made it. */
  z.strictObject({ kind: z.literal("study"), created: z.boolean(), attrs: json }),
  z.strictObject({
    kind: z.literal("ask"),
    /** Null: all slots have been given, and none waits. */
    trial: z.strictObject({ number: count, slot: count, params: json }).nullable(),
    /** Complete trials of the study. */
    completed: count,
  }),
  /** The first step at which the trial is to be pruned; null: at none of them. */
  z.strictObject({ kind: z.literal("report"), prune_at: positive.nullable() }),
  z.strictObject({ kind: z.literal("tell") }),
  /** Those that did still run. */
  z.strictObject({ kind: z.literal("requeue"), requeued: z.array(count) }),
  /** Parameter → share, summing to 1; empty where there are too few trials, or they do not differ. */
  z.strictObject({ kind: z.literal("importance"), importance: z.record(z.string(), z.number()) }),
  z.strictObject({ kind: z.literal("trials"), count }),
] as const;

/** What the tuner's worker can be asked for; `id` is the pool's to choose. */
export type TunerJob =
  | Omit<z.infer<typeof tunerRequest>, "id">
  | Omit<z.infer<typeof studyRequest>, "id">
  | Omit<z.infer<typeof askRequest>, "id">
  | Omit<z.infer<typeof reportRequest>, "id">
  | Omit<z.infer<typeof tellRequest>, "id">
  | Omit<z.infer<typeof requeueRequest>, "id">
  | Omit<z.infer<typeof importanceRequest>, "id">
  | Omit<z.infer<typeof trialsRequest>, "id">;

export type StudySpec = z.infer<typeof studySpec>;
export type SpaceDimension = z.infer<typeof spaceDimension>;
export type PrunerSpec = z.infer<typeof pruner>;
export type SamplerSpec = z.infer<typeof sampler>;
