/**
 * A model written in JavaScript alone: no Python, no ONNX. Each class is its weighted mean in standardised features; the
 * nearer the mean, the higher the probability. Missing values count as the mean of the training rows. Try it:
 *
 *   foldwise train --plugin examples/plugins/nearest_centroid/nearest_centroid.js --model nearest_centroid --symbol MES --horizon 20
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const CLASSES = [-1, 0, 1];
const FILE = "nearest_centroid.json";

/** Row-major values of any feature matrix: a view of a stored dataset, or an array. */
const valuesOf = async (X) => (X.kind === "view" ? X.read() : X.data);

class NearestCentroid {
  /** @param {{ sharpness: number }} params @param {object | null} fitted */
  constructor(params, fitted = null) {
    this.params = params;
    this.fitted = fitted;
  }

  async fit(XTrain, yTrain, XVal, yVal, options = {}) {
    const start = performance.now();
    options.signal?.throwIfAborted();
    const features = XTrain.shape[1];
    const X = await valuesOf(XTrain);
    const w = options.sampleWeights ?? new Float32Array(yTrain.length).fill(1);
    const { mean, scale } = moments(X, features);
    const sums = CLASSES.map(() => new Float64Array(features));
    const totals = [0, 0, 0];
    for (let row = 0; row < yTrain.length; row += 1) {
      const k = yTrain[row] + 1;
      totals[k] += w[row];
      for (let j = 0; j < features; j += 1) sums[k][j] += w[row] * standard(X[row * features + j], mean[j], scale[j]);
    }
    const all = totals[0] + totals[1] + totals[2];
    this.fitted = {
      params: this.params,
      featureNames: [...XTrain.featureNames],
      mean: [...mean],
      scale: [...scale],
      priors: totals.map((total) => total / all),
      centroids: sums.map((sum, k) => [...sum].map((value) => (totals[k] > 0 ? value / totals[k] : 0))),
    };
    const train = score(await this.predict(XTrain), yTrain);
    const val = score(await this.predict(XVal), yVal);
    options.onProgress?.({ step: 1, total: 1, metrics: { stop_loss: val.loss } });
    return {
      trainLoss: train.loss,
      valLoss: val.loss,
      trainAccuracy: train.accuracy,
      valAccuracy: val.accuracy,
      bestEpoch: 0,
      totalEpochs: 1,
      earlyStopped: false,
      trainingTime: (performance.now() - start) / 1000,
    };
  }

  async predict(X) {
    const { mean, scale, priors, centroids, featureNames } = this.fitted;
    const [rows, features] = X.shape;
    if (features !== featureNames.length || X.featureNames.some((name, j) => name !== featureNames[j])) {
      throw new Error(`The model was fitted on other features, or in another order: ${featureNames.join(", ")}.`);
    }
    const values = await valuesOf(X);
    const predictions = new Int8Array(rows);
    const probabilities = new Float32Array(rows * 3);
    const confidence = new Float32Array(rows);
    for (let row = 0; row < rows; row += 1) {
      const logits = CLASSES.map((_, k) => {
        // A class that the training rows lack has prior 0, and so probability exactly 0.
        if (priors[k] === 0) return -Infinity;
        let distance = 0;
        for (let j = 0; j < features; j += 1) {
          distance += (standard(values[row * features + j], mean[j], scale[j]) - centroids[k][j]) ** 2;
        }
        return Math.log(priors[k]) - (this.params.sharpness * distance) / features;
      });
      const largest = Math.max(...logits);
      const odds = logits.map((logit) => Math.exp(logit - largest));
      const sum = odds[0] + odds[1] + odds[2];
      for (let k = 0; k < 3; k += 1) probabilities[row * 3 + k] = odds[k] / sum;
      const best = logits.indexOf(largest);
      predictions[row] = CLASSES[best];
      confidence[row] = probabilities[row * 3 + best];
    }
    return { predictions, probabilities, confidence };
  }

  async save(dir) {
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, FILE), `${JSON.stringify(this.fitted)}\n`);
  }

  static async load(dir) {
    const fitted = JSON.parse(await readFile(join(dir, FILE), "utf8"));
    return new NearestCentroid(fitted.params, fitted);
  }
}

/** Missing values are the mean; values beyond ten standard deviations count as ten. */
function standard(value, mean, scale) {
  return Number.isNaN(value) ? 0 : Math.max(-10, Math.min(10, (value - mean) / scale));
}

/** Mean and standard deviation of every column over the values that are there; 0 and 1 for an empty or constant one. */
function moments(X, features) {
  const mean = new Float64Array(features);
  const scale = new Float64Array(features).fill(1);
  for (let j = 0; j < features; j += 1) {
    let count = 0;
    let sum = 0;
    for (let i = j; i < X.length; i += features) if (!Number.isNaN(X[i])) [count, sum] = [count + 1, sum + X[i]];
    if (count === 0) continue;
    mean[j] = sum / count;
    let squares = 0;
    for (let i = j; i < X.length; i += features) if (!Number.isNaN(X[i])) squares += (X[i] - mean[j]) ** 2;
    if (squares > 0) scale[j] = Math.sqrt(squares / count);
  }
  return { mean, scale };
}

/** Unweighted log-loss (probabilities clipped at 1e-15) and accuracy. */
function score({ predictions, probabilities }, y) {
  let loss = 0;
  let right = 0;
  for (let row = 0; row < y.length; row += 1) {
    loss -= Math.log(Math.max(1e-15, probabilities[row * 3 + y[row] + 1]));
    if (predictions[row] === y[row]) right += 1;
  }
  return { loss: loss / y.length, accuracy: right / y.length };
}

export default ({ z }) => ({
  kind: "typescript",
  id: "nearest_centroid",
  title: "Nearest class mean (plug-in)",
  capabilities: {
    input: "tabular",
    earlyStopping: false,
    missingValues: "impute",
    importance: "permutation",
    devices: ["cpu"],
    scaler: false,
  },
  params: z.strictObject({
    sharpness: z.number().gt(0).default(1).describe("How fast a probability falls with the distance to its class."),
  }),
  training: z.strictObject({}),
  create: ({ model_params }) => new NearestCentroid(model_params),
  load: (dir) => NearestCentroid.load(dir),
});
