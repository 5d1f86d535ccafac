import { join } from "node:path";
import {
  type BaseAnswers,
  basesOfRows,
  type Combination,
  combine,
  fitMetaLogistic,
  fitVotingWeights,
  greedySelection,
  MINIMUM_EFFECTIVE_LABELS,
  metaFeatures,
  whyEqual,
} from "../../evaluation/index.js";
import { type FeatureArray, gather, type Label, type StoredDataset, type Timestamps } from "../../types/index.js";
import { purgedKFold, stopSlice } from "../../validation/index.js";
import type { TrainableModel } from "../bundled.js";
import { modelOf, type PartContext } from "./bases.js";
import { labelsAt, placesAmong, weightsAt } from "./rows.js";
import type { PartSpec } from "./settings.js";

/** How an ensemble learns to combine, from its configuration. */
export type Method =
  | { kind: "given"; voting: "soft" | "hard"; weights: readonly number[] | null }
  | { kind: "fitted"; voting: "soft" | "hard"; shrinkage: number }
  | { kind: "greedy"; voting: "soft" | "hard"; rounds: number; bags: number }
  | { kind: "shrunk_logistic"; strength: number; perClass: boolean }
  | { kind: "model"; meta: PartSpec }
  | { kind: "second_layer"; layer: readonly PartSpec[]; strength: number; perClass: boolean };

/** Whether the method learns anything from labels. */
export const learns = (method: Method): boolean => method.kind !== "given";

/** Labelled rows that no base was fitted on, and what the bases say of them. */
export interface Evidence {
  dataset: StoredDataset;
  /** Row numbers of the dataset, ascending. */
  rows: Int32Array;
  y: Int8Array;
  /** (N of the dataset) when each label that is learned from was known. */
  ends: Timestamps;
  bases: BaseAnswers[];
  /** How much of a label each row is worth. */
  uniqueness: Float32Array;
  weights?: Float32Array | undefined;
  passthrough: { names: readonly string[]; X: Float32Array } | null;
}

/** Some of the evidence, by positions. */
export function evidenceAt(evidence: Evidence, at: Int32Array): Evidence {
  const { rows, y, bases, uniqueness, weights, passthrough } = evidence;
  return {
    ...evidence,
    rows: gather(rows, at, new Int32Array(at.length)),
    y: labelsAt(y, at),
    bases: basesOfRows(bases, at),
    uniqueness: gather(uniqueness, at, new Float32Array(at.length)),
    weights: weightsAt(weights, at),
    passthrough: passthrough === null ? null : { names: passthrough.names, X: rowsOfX(passthrough, at) },
  };
}

function rowsOfX({ names, X }: { names: readonly string[]; X: Float32Array }, at: Int32Array): Float32Array {
  const width = names.length;
  const out = new Float32Array(at.length * width);
  for (const [i, row] of at.entries()) out.set(X.subarray(row * width, (row + 1) * width), i * width);
  return out;
}

/** The same evidence without one base. */
export const withoutBase = (evidence: Evidence, b: number): Evidence => ({
  ...evidence,
  bases: evidence.bases.filter((_, other) => other !== b),
});

/** A way to combine that is fitted. */
export interface Combined {
  combination: Combination | { kind: "model" };
  /** Models between bases and combination. */
  layer: { name: string; model: TrainableModel }[];
  /** Why nothing was fitted and the weights are equal; null where it was, or nothing was to be fitted. */
  reason: string | null;
  /** (N, 3) */
  answer(evidence: Pick<Evidence, "bases" | "passthrough">): Promise<Float64Array>;
  dispose(): Promise<void>;
}

export interface CombineContext extends PartContext {
  /**
   * Of the evidence's share in a whole on which it was settled whether to learn: folds of that do as the whole does, so that their
   * figures are those of what is served.
   */
  partOfWhole?: boolean;
  /** Classes of the training rows. */
  trained: readonly Label[];
  workDir: string;
}

/**
 * Fits the method on all of the evidence. Rows of classes that training lacked teach nothing: every base gives them 0.
 * Fewer than 30 effective labels, or labels of one class: equal weights, and the reason why.
 */
export async function fitCombination(method: Method, all: Evidence, context: CombineContext): Promise<Combined> {
  const known = Int32Array.from(all.y.keys()).filter((i) => context.trained.some((label) => label === all.y[i]));
  const evidence = known.length === all.y.length ? all : evidenceAt(all, known);
  const { y, bases } = evidence;
  const worth = sum(evidence.uniqueness);
  const effectiveLabels = context.partOfWhole === true ? Math.max(worth, MINIMUM_EFFECTIVE_LABELS) : worth;
  const equal = (): number[] => bases.map(() => 1 / bases.length);
  const reason = learns(method) ? whyEqual(y, effectiveLabels) : null;
  if (reason !== null) {
    const kind = "voting" in method && method.voting === "hard" ? "hard_vote" : "soft_vote";
    return plain({ kind, weights: equal() }, reason, context);
  }
  switch (method.kind) {
    case "given": {
      const weights = method.weights === null ? equal() : [...method.weights];
      return plain({ kind: voteOf(method.voting), weights }, null, context);
    }
    case "fitted": {
      const { weights } = fitVotingWeights(y, bases, { effectiveLabels, shrinkage: method.shrinkage });
      return plain({ kind: voteOf(method.voting), weights }, null, context);
    }
    case "greedy": {
      const { rounds, bags } = method;
      const bagging = bags > 1 ? { bagging: { bags, seed: context.seed } } : {};
      const { weights } = greedySelection(y, bases, { rounds, effectiveLabels, ...bagging });
      return plain({ kind: voteOf(method.voting), weights }, null, context);
    }
    case "shrunk_logistic":
      return plain(logistic(evidence, bases, effectiveLabels, method), null, context);
    case "model":
      return metaModel(method.meta, evidence, context);
    case "second_layer":
      return secondLayer(method, evidence, context, effectiveLabels);
  }
}

const voteOf = (voting: "soft" | "hard") => (voting === "soft" ? ("soft_vote" as const) : ("hard_vote" as const));

function logistic(
  { y, weights }: Pick<Evidence, "y" | "weights">,
  bases: readonly BaseAnswers[],
  effectiveLabels: number,
  { strength, perClass }: { strength: number; perClass: boolean },
): Extract<Combination, { kind: "shrunk_logistic" }> {
  const { coefficients, bias } = fitMetaLogistic(y, bases, {
    effectiveLabels,
    strength,
    perClass,
    ...(weights === undefined ? {} : { weights }),
  });
  return { kind: "shrunk_logistic", coefficients, bias: [bias[0]!, bias[1]!, bias[2]!] };
}

function plain(combination: Combination, reason: string | null, { trained }: CombineContext): Combined {
  return {
    combination,
    layer: [],
    reason,
    answer: async ({ bases }) => combine(combination, bases, trained),
    dispose: async () => {},
  };
}

async function metaModel(spec: PartSpec, evidence: Evidence, context: CombineContext): Promise<Combined> {
  const fitted = await fitOnAnswers(spec, evidence, context, "meta");
  const name = spec.definition.id;
  return {
    combination: { kind: "model" },
    layer: [{ name, model: fitted.model }],
    reason: null,
    answer: async (asked) => Float64Array.from(await fitted.answer(asked)),
    dispose: () => fitted.model.dispose(),
  };
}

/** The models' answers out of fold teach the combination; the models themselves are fitted once more, on all rows. */
async function secondLayer(
  { layer, strength, perClass }: Extract<Method, { kind: "second_layer" }>,
  evidence: Evidence,
  context: CombineContext,
  effectiveLabels: number,
): Promise<Combined> {
  const folds = foldsOf(evidence);
  const answersOf = async (spec: PartSpec): Promise<BaseAnswers> => {
    const name = spec.definition.id;
    const p = await crossFitted(evidence, folds, async (train, f) => {
      const fitted = await fitOnAnswers(spec, train, context, `${name}_f${f}`);
      return { answer: fitted.answer, dispose: () => fitted.model.dispose() };
    });
    return { name, p };
  };
  const out: BaseAnswers[] = [];
  for (const spec of layer) out.push(await answersOf(spec));
  const combination = logistic(evidence, out, effectiveLabels, { strength, perClass });
  const fitted: { name: string; model: TrainableModel; answer: FittedOnAnswers["answer"] }[] = [];
  for (const spec of layer) {
    const name = spec.definition.id;
    try {
      fitted.push({ name, ...(await fitOnAnswers(spec, evidence, context, name)) });
    } catch (error) {
      for (const { model } of fitted) await model.dispose();
      throw error;
    }
  }
  return {
    combination,
    layer: fitted,
    reason: null,
    answer: async (asked) => {
      const answers: BaseAnswers[] = [];
      for (const { name, answer } of fitted) answers.push({ name, p: await answer(asked) });
      return combine(combination, answers, context.trained);
    },
    dispose: async () => {
      for (const { model } of fitted) await model.dispose();
    },
  };
}

interface FittedOnAnswers {
  model: TrainableModel;
  answer(asked: Pick<Evidence, "bases" | "passthrough">): Promise<Float32Array>;
}

/** A tabular model on the bases' answers; one that stops early is stopped by the last 15 % of the rows, purged. */
async function fitOnAnswers(
  spec: PartSpec,
  evidence: Evidence,
  context: CombineContext,
  name: string,
): Promise<FittedOnAnswers> {
  const { dataset, rows, y, weights } = evidence;
  const matrix = matrixOf(evidence);
  const input = { timestamps: dataset.timestamps(), ends: evidence.ends, embargo: 0 };
  const among = placesAmong(rows);
  const slice = spec.definition.capabilities.earlyStopping
    ? stopSlice(input, rows)
    : { fit: rows, stop: new Int32Array(0) };
  const [fit, stop] = [among(slice.fit), among(slice.stop)];
  const workDir = join(context.workDir, `on_${name}`);
  const model = modelOf(spec, context, { workDir, name: `${name} on the bases' answers` });
  try {
    const sampleWeights = weightsAt(weights, fit);
    await model.fit(rowsOf(matrix, fit), labelsAt(y, fit), rowsOf(matrix, stop), labelsAt(y, stop), {
      ...(sampleWeights === undefined ? {} : { sampleWeights }),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  } catch (error) {
    await model.dispose();
    throw error;
  }
  return { model, answer: async (asked) => (await model.predict(matrixOf(asked))).probabilities };
}

function matrixOf({ bases, passthrough }: Pick<Evidence, "bases" | "passthrough">): FeatureArray {
  const { X, shape, names } = metaFeatures(bases, passthrough ?? undefined);
  return { data: X, shape, featureNames: names };
}

function rowsOf({ data, featureNames }: FeatureArray, at: Int32Array): FeatureArray {
  const width = featureNames.length;
  return { data: rowsOfX({ names: featureNames, X: data }, at), shape: [at.length, width], featureNames };
}

/** Of `calibrate` rows and the like (design, section 7). */
const CROSS_FIT_FOLDS = 5;

/** Positions among the evidence's rows: five blocks, purged of one another. */
export function foldsOf({
  dataset,
  rows,
  ends,
}: Pick<Evidence, "dataset" | "rows" | "ends">): { train: Int32Array; test: Int32Array }[] {
  const input = { timestamps: dataset.timestamps(), ends, rows, embargo: 0 };
  const among = placesAmong(rows);
  return purgedKFold(input, CROSS_FIT_FOLDS).map(({ train, test }) => ({ train: among(train), test: among(test) }));
}

/** (N, 3): each row by what was fitted on folds that do not hold it. */
export async function crossFitted(
  evidence: Evidence,
  folds: readonly { train: Int32Array; test: Int32Array }[],
  fitOn: (train: Evidence, fold: number) => Promise<Pick<Combined, "dispose"> & FoldAnswer>,
): Promise<Float64Array> {
  const out = new Float64Array(3 * evidence.rows.length);
  for (const [f, { train, test }] of folds.entries()) {
    const fitted = await fitOn(evidenceAt(evidence, train), f);
    try {
      const p = await fitted.answer(evidenceAt(evidence, test));
      for (const [i, at] of test.entries()) for (let k = 0; k < 3; k++) out[3 * at + k] = p[3 * i + k]!;
    } finally {
      await fitted.dispose();
    }
  }
  return out;
}

interface FoldAnswer {
  answer(evidence: Evidence): Promise<Float64Array | Float32Array>;
}

export function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
