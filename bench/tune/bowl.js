/**
 * A model whose log-loss is a known function of its parameters: it knows each row's class from the sign of the one feature, and is the
 * less sure of it the further its parameters lie from `OPTIMUM`. Fits nothing.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FILE = "bowl.json";
/** Where the loss is least. */
const OPTIMUM = { a: 0.7, b: -2, c: 0.02, d: 23, e: "right" };
/** What is left of certainty at the optimum. */
const MOST = 0.98;

/** Zero at the optimum; each dimension counts by its range, `c` by its logarithm. */
function distance({ a, b, c, d, e }) {
  const parts = [
    (a - OPTIMUM.a) / 1,
    (b - OPTIMUM.b) / 10,
    Math.log(c / OPTIMUM.c) / Math.log(1e4),
    (d - OPTIMUM.d) / 31,
  ];
  return parts.reduce((sum, part) => sum + part ** 2, e === OPTIMUM.e ? 0 : 0.1);
}

/** Probability of the class that a row has. */
const certainty = (params) => 1 / 3 + (MOST - 1 / 3) * Math.exp(-4 * distance(params));

/** Of any rows. */
const logLoss = (params) => -Math.log(certainty(params));

class Bowl {
  constructor(params) {
    this.params = params;
  }

  async fit(_XTrain, _yTrain, _XVal, _yVal, options = {}) {
    options.onProgress?.({ step: 1, total: 1, metrics: {} });
    const loss = logLoss(this.params);
    return {
      trainLoss: loss,
      valLoss: loss,
      trainAccuracy: 1,
      valAccuracy: 1,
      bestEpoch: 0,
      totalEpochs: 1,
      earlyStopped: false,
      trainingTime: 0,
    };
  }

  async predict(X) {
    const values = X.kind === "view" ? await X.read() : X.data;
    const [rows, features] = X.shape;
    const predictions = new Int8Array(rows);
    const probabilities = new Float32Array(rows * 3);
    const sure = certainty(this.params);
    for (let row = 0; row < rows; row += 1) {
      predictions[row] = Math.sign(values[row * features]);
      for (let k = 0; k < 3; k += 1) probabilities[row * 3 + k] = k === predictions[row] + 1 ? sure : (1 - sure) / 2;
    }
    return { predictions, probabilities, confidence: new Float32Array(rows).fill(sure) };
  }

  async save(dir) {
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, FILE), `${JSON.stringify(this.params)}\n`);
  }

  static async load(dir) {
    return new Bowl(JSON.parse(await readFile(join(dir, FILE), "utf8")));
  }
}

export default ({ z }) => ({
  kind: "typescript",
  id: "bowl",
  title: "Bowl (for the benchmark of tuning)",
  capabilities: {
    input: "tabular",
    earlyStopping: false,
    missingValues: "native",
    importance: "permutation",
    devices: ["cpu"],
    scaler: false,
  },
  params: z.strictObject({
    a: z.number().min(0).max(1).default(0.1).describe("Linear."),
    b: z.number().min(-5).max(5).default(4).describe("Linear."),
    c: z.number().min(0.001).max(10).default(5).describe("Logarithmic."),
    d: z.int().min(1).max(32).default(3).describe("A whole number."),
    e: z.enum(["left", "middle", "right"]).default("left").describe("A choice."),
  }),
  training: z.strictObject({}),
  searchSpace: {
    "model_params.a": { type: "float", low: 0, high: 1 },
    "model_params.b": { type: "float", low: -5, high: 5 },
    "model_params.c": { type: "float", low: 0.001, high: 10, log: true },
    "model_params.d": { type: "int", low: 1, high: 32 },
    "model_params.e": { type: "categorical", choices: ["left", "middle", "right"] },
  },
  create: ({ model_params }) => new Bowl(model_params),
  load: (dir) => Bowl.load(dir),
});
