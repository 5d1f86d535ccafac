import { type Bundle, ONNX_NAME, readBundle } from "../artifacts/index.js";
import {
  applyCalibratorForm,
  applyClassScale,
  type BaseAnswers,
  combine,
  metaFeatureNames,
  metaFeatures,
} from "../evaluation/index.js";
import { type FeatureMatrix, FoldwiseError, type PredictionOutput } from "../types/index.js";
import { type Answering, inBatches, type LoadOptions, openGraph, openPlugin, shapeOf } from "./answering.js";
import { predictInBatches } from "./batches.js";
import { inputShape, type ModelShape } from "./modelShape.js";
import type { OnnxPredictor } from "./predictor.js";

/** One part of an ensemble, opened. */
interface Part {
  name: string;
  shape: ModelShape;
  /** Values (n, F) or (n, T, F) in the part's shape → (n, 3), without the part's own calibrator. */
  answer(values: Float32Array, n: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens an ensemble's bundle: all parts answer at the same time, and what they say is combined and calibrated in float64, in
 * TypeScript. Parts are the bundles that the ensemble was fitted with, without their own calibrators. A graph that several open
 * ensembles hold is loaded once.
 *
 * @throws FoldwiseError `bundle.features_differ` where a base has other features than the ensemble, and what opening a part throws.
 */
export async function openEnsemble(bundle: Bundle, options: LoadOptions): Promise<Answering> {
  const { ensemble, calibrator, trained_classes: trained } = bundle.manifest;
  if (ensemble === null) throw new Error(`${bundle.dir} is no ensemble`);
  const opened: Part[] = [];
  const openAll = async (folder: "bases" | "layer"): Promise<Part[]> => {
    const parts: Part[] = [];
    for (const { name } of ensemble[folder]) {
      const part = await openPart(name, bundle.parts[folder][name]!, options);
      opened.push(part);
      parts.push(part);
    }
    return parts;
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((part) => part.close()));
  };
  try {
    const bases = await openAll("bases");
    const layer = await openAll("layer");
    const shape = shapeOf(bundle.manifest);
    for (const base of bases) requireSameRows(shape, base);
    requireWindow(shape, bases);
    requireLayer(ensemble, { shape, layer });
    const passed = ensemble.passthrough.map((name) => shape.featureNames.indexOf(name));
    const answer = async (values: Float32Array, n: number): Promise<Float32Array> => {
      let answers = await all(bases, (base) => base.answer(inputOf(values, n, { shape, base }), n));
      if (layer.length > 0) {
        const passthrough = { names: ensemble.passthrough, X: columnsOf(values, n, { shape, columns: passed }) };
        const { X } = metaFeatures(answers, passthrough);
        answers = await all(layer, (part) => part.answer(X, n));
      }
      const { combiner } = ensemble;
      const p = combiner.kind === "model" ? answers[0]!.p : combine(combiner, answers, trained);
      return new Float32Array(applyCalibratorForm(p, calibrator));
    };
    // Copies: all bases read the same rows, later, when the caller may fill its own anew.
    return inBatches(shape, answer, { copies: true, close });
  } catch (error) {
    await close();
    throw error;
  }
}

const all = async (
  parts: readonly Part[],
  answer: (part: Part) => Promise<Float32Array>,
): Promise<(BaseAnswers & { p: Float32Array })[]> =>
  Promise.all(parts.map(async (part) => ({ name: part.name, p: await answer(part) })));

/** A base sees the last rows of the ensemble's window: one, or as many as its own window has. */
function inputOf(values: Float32Array, n: number, { shape, base }: { shape: ModelShape; base: Part }): Float32Array {
  const width = shape.featureNames.length;
  const [whole, own] = [(shape.seqLen ?? 1) * width, (base.shape.seqLen ?? 1) * width];
  if (whole === own) return values;
  const last = new Float32Array(n * own);
  for (let i = 0; i < n; i++) last.set(values.subarray((i + 1) * whole - own, (i + 1) * whole), i * own);
  return last;
}

/** (n, columns) of each window's newest row. */
function columnsOf(
  values: Float32Array,
  n: number,
  { shape, columns }: { shape: ModelShape; columns: readonly number[] },
): Float32Array {
  const width = shape.featureNames.length;
  const whole = (shape.seqLen ?? 1) * width;
  const chosen = new Float32Array(n * columns.length);
  for (let i = 0; i < n; i++) {
    for (const [at, column] of columns.entries()) {
      chosen[i * columns.length + at] = values[(i + 1) * whole - width + column]!;
    }
  }
  return chosen;
}

function requireSameRows(ensemble: ModelShape, { name, shape }: Part): void {
  const [expected, got] = [ensemble.featureNames, shape.featureNames];
  const same = expected.length === got.length && expected.every((feature, f) => got[f] === feature);
  if (same && (shape.seqLen ?? 1) <= (ensemble.seqLen ?? 1)) return;
  throw new FoldwiseError("bundle.features_differ", `The base ${name} takes other rows than its ensemble.`, {
    remedy: "Train the ensemble again.",
    details: { base: name },
  });
}

/** The ensemble's window is the longest of its bases'. */
function requireWindow({ seqLen }: ModelShape, bases: readonly Part[]): void {
  const longest = Math.max(0, ...bases.map(({ shape }) => shape.seqLen ?? 0)) || null;
  if (seqLen === longest) return;
  throw doesNotFit(`looks at windows of ${seqLen ?? "no"} bars, its bases at ${longest ?? "no"}`);
}

/** What the models between bases and answer see is what they were fitted on. */
function requireLayer(
  { bases, passthrough }: NonNullable<Bundle["manifest"]["ensemble"]>,
  { shape, layer }: { shape: ModelShape; layer: readonly Part[] },
): void {
  const unknown = passthrough.find((name) => !shape.featureNames.includes(name));
  if (unknown !== undefined) throw doesNotFit(`passes on ${unknown}, which is none of its features`);
  const expected = [...metaFeatureNames(bases.map(({ name }) => name)), ...passthrough];
  const other = layer.find(
    ({ shape: own }) => own.seqLen !== null || own.featureNames.join("\n") !== expected.join("\n"),
  );
  if (other !== undefined)
    throw doesNotFit(`has ${other.name} on its bases' answers, which was fitted on something else`);
}

const doesNotFit = (what: string): FoldwiseError =>
  new FoldwiseError("bundle.not_a_bundle", `The ensemble ${what}.`, {
    remedy: "Restore the bundle from its source, or train the ensemble again.",
  });

async function openPart(name: string, bundle: Bundle, options: LoadOptions): Promise<Part> {
  const { manifest } = bundle;
  const shape = shapeOf(manifest);
  if (manifest.kind === "typescript") {
    const { predict, close } = await openPlugin(bundle, options);
    const answer = async (values: Float32Array, n: number): Promise<Float32Array> => {
      // A copy: all bases read the same rows, and a plug-in may do with its own as it likes.
      const X = { data: values.slice(), shape: inputShape(n, shape), featureNames: shape.featureNames };
      return (await predict(X)).probabilities;
    };
    return { name, shape, answer, close };
  }
  const { graph, close } = await sharedGraph(bundle, options);
  const { calibrator, class_scale: scale } = manifest;
  const answer = async (values: Float32Array, n: number): Promise<Float32Array> => {
    if (calibrator === null) return graph.run(values, n, "probabilities");
    return applyClassScale(await graph.run(values, n, "raw_probabilities"), scale);
  };
  return { name, shape, answer, close };
}

/** Open graphs by the hash of their bytes and by what they are opened with. */
const graphs = new Map<string, { graph: Promise<OnnxPredictor>; users: number }>();

async function sharedGraph(
  bundle: Bundle,
  options: LoadOptions,
): Promise<{ graph: OnnxPredictor; close: () => Promise<void> }> {
  const { files, features, seq_len } = bundle.manifest;
  const key = JSON.stringify([files[ONNX_NAME]?.sha256, features, seq_len, options.threads ?? 1]);
  const shared = graphs.get(key) ?? { graph: openGraph(bundle, options), users: 0 };
  graphs.set(key, shared);
  shared.users += 1;
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    shared.users -= 1;
    if (shared.users > 0) return;
    if (graphs.get(key) === shared) graphs.delete(key);
    await (await shared.graph).close();
  };
  try {
    return { graph: await shared.graph, close };
  } catch (error) {
    shared.users -= 1;
    if (graphs.get(key) === shared) graphs.delete(key);
    throw error;
  }
}

/** A bundle opened as a base: it answers without its own calibrator. */
export interface OpenedBase {
  readonly bundle: Bundle;
  readonly seqLen: number | null;
  /** Answers every row that ends a full window; see `ServedModel.predict`. */
  predict(X: FeatureMatrix): Promise<PredictionOutput>;
  close(): Promise<void>;
}

/** Opens a bundle of one model as an ensemble sees it. Throws as `loadModel`, and `bundle.not_a_bundle` for an ensemble. */
export async function openBase(dir: string, options: LoadOptions = {}): Promise<OpenedBase> {
  const bundle = await readBundle(dir);
  if (bundle.manifest.kind === "ensemble") {
    throw new FoldwiseError("bundle.not_a_bundle", `${dir} is an ensemble, which is no base of another.`, {
      remedy: "Name the bundle of one model.",
    });
  }
  const { shape, answer, close } = await openPart(bundle.manifest.model, bundle, options);
  return { bundle, seqLen: shape.seqLen, predict: (X) => predictInBatches(X, shape, answer), close };
}
