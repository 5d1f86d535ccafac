/** docs/models/IMPLEMENTATION_SUMMARY.md: what each built-in model is made of, from the registry, the Python adapters and the tests. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { markdownTable } from "../../bench/lib/table.js";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { packageRoot } from "../../src/files/index.js";
import { BUILTIN, type EngineModelDefinition, type ModelDefinition } from "../../src/models/index.js";

/** Every model goes through it (`CASES`). */
const SUITE = "test/conformance/conformance.test.ts";

/** Who writes the graph: the one thing that neither the registry nor a line of the adapter says. */
export const GRAPHS: Readonly<Record<string, string>> = {
  xgboost: "onnxmltools, its classifier made a regressor + Softmax",
  lightgbm: "own: one TreeEnsembleRegressor + Softmax",
  catboost: "CatBoost's own export, mended",
  lstm: "own: basic operators",
  gru: "own: basic operators",
  tcn: "own: basic operators",
  transformer: "own: basic operators",
  random_forest: "own: one TreeEnsembleRegressor",
  logistic: "own: imputer, scaler, Gemm, Softmax",
  svm: "own: kernel, Gemm, Softmax",
};

const COLUMNS = [
  "model",
  "family",
  "input",
  "engine",
  "early stopping",
  "weights",
  "device",
  "native file",
  "ONNX",
  "importance",
  "calibration",
  "tests",
] as const;

type Row = Record<(typeof COLUMNS)[number], string>;
/** What follows from how a model is fitted and served. */
type OfKind = Pick<Row, "input" | "engine" | "weights" | "device" | "native file" | "ONNX" | "calibration">;

const OF_KIND: { [K in ModelDefinition["kind"]]: (definition: Extract<ModelDefinition, { kind: K }>) => OfKind } = {
  engine: (definition) => ({
    input: inputOf(definition),
    engine: definition.engine.packages[0]!,
    weights: "class_weight" in definition.training.shape ? "sample, class" : "sample",
    device: definition.capabilities.devices.join(", "),
    "native file": `\`${nativeFile(definition)}\``,
    ONNX: GRAPHS[definition.id] ?? "?",
    calibration: "in the graph",
  }),
  typescript: (definition) => ({
    input: inputOf(definition),
    engine: "TypeScript",
    weights: "sample",
    device: definition.capabilities.devices.join(", "),
    "native file": "its own",
    ONNX: "none",
    calibration: "none",
  }),
  ensemble: () => ({
    input: "what its bases take",
    engine: "bases, combined in TypeScript",
    weights: "sample",
    device: "its bases'",
    "native file": "`manifest.json`, beside its bases",
    ONNX: "its bases', as sessions side by side",
    calibration: "in TypeScript",
  }),
};

/** The document: one row a built-in model. */
export function implementationSummary(): string {
  const rows = BUILTIN.map((definition) => rowOf(definition));
  return `# The ${rows.length} models

Made by \`npx vitest run test/models -u\` from the registry (\`src/models\`) and the adapters (\`engine/foldwise_engine/models\`), and compared with them by every
\`npm test\`. What the columns say: *input*, rows of features or windows of bars; *early stopping*, by the log-loss of the \`stop\` rows, after so many rounds or epochs
without gain; *weights*, what the fit hears (a class's weight is undone in the probabilities); *native file*, what the engine itself reads again; *ONNX*, who writes the
graph, which Node compares with the native model before a bundle is saved; *importance*, gain of the engine's splits or what shuffling a feature costs on \`stop\` rows;
*calibration*, where \`probabilities\` are made from \`raw_probabilities\`.

${markdownTable(
  COLUMNS,
  rows.map((row) => COLUMNS.map((column) => row[column])),
)}
`;
}

function rowOf(definition: ModelDefinition): Row {
  const { id, family, capabilities } = definition;
  return {
    model: `\`${id}\``,
    family,
    "early stopping": earlyStopping(definition),
    ...(OF_KIND[definition.kind] as (definition: ModelDefinition) => OfKind)(definition),
    importance: capabilities.importance,
    tests: testsOf(id)
      .map((path) => `[${path.split("/").at(-1)!.split(".")[0]!}](../../${path})`)
      .join(", "),
  };
}

const inputOf = (definition: ModelDefinition): string =>
  definition.capabilities.input === "tabular" ? "rows" : `windows of ${settingOf(definition, "seq_len")} bars`;

function earlyStopping(definition: ModelDefinition): string {
  if (!definition.capabilities.earlyStopping) return "no";
  const rounds = settingOf(definition, "early_stopping_rounds");
  return rounds === undefined ? `${settingOf(definition, "patience")} epochs` : `${rounds} rounds`;
}

/** As shipped. */
function settingOf(definition: ModelDefinition, key: string): unknown {
  const training = resolveTrainingConfig({ cwd: packageRoot() });
  return resolveModelConfig(definition, { training }).training[key];
}

/** As the adapter names it; sequence models share one adapter. */
function nativeFile({ id, capabilities }: EngineModelDefinition): string {
  const source = capabilities.input === "sequence" ? "neural/adapter.py" : `models/${id}.py`;
  const text = readFileSync(join(packageRoot(), "engine", "foldwise_engine", source), "utf8");
  const [, name] = /^ {4}native_file = "(.+)"$/m.exec(text) ?? [];
  if (name === undefined) throw new Error(`${source} names no native_file`);
  return name;
}

function testsOf(id: string): string[] {
  const own = `engine/tests/test_${id}.py`;
  return [SUITE, ...(existsSync(join(packageRoot(), own)) ? [own] : [])];
}
