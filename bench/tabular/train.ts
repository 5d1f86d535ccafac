import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { openStored } from "../../src/data/index.js";
import { findPython } from "../../src/engine/index.js";
import { encodeNpy, packageRoot, writeFileAtomic } from "../../src/files/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import type { StoredDataset } from "../../src/types/index.js";
import { defaultEmbargo, type HoldoutPlan, planHoldout } from "../../src/validation/index.js";
import { foldwise, succeed } from "../lib/cli.js";
import { benchFolder, ensureDataset, HORIZON, SYMBOL } from "../lib/dataset.js";
import { ALLOWED_SECONDS, type Figure, inSeconds } from "../lib/figure.js";
import { referenceOf, SEED } from "../lib/fits.js";
import { interleavedPairs, median, seconds } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";
import { MODELS } from "./models.js";

interface Setting {
  data: string;
  parquet: string;
  dataset: StoredDataset;
}

async function setting(): Promise<Setting> {
  const { folder, path } = await ensureDataset();
  const data = join(folder, "datasets");
  return { data, parquet: path, dataset: await openStored({ symbol: SYMBOL, data, store: join(folder, "store") }) };
}

/** `foldwise train` of one model, Parquet to report and bundle, against a plain script of the library, Parquet to predictions. */
export async function wholeFigures(pairs: number): Promise<Figure[]> {
  const set = await setting();
  const figures: Figure[] = [];
  for (const { id } of MODELS) {
    const times = await interleavedPairs(
      pairs,
      () => seconds(() => train(set, [id])),
      () => seconds(() => plainScript(set, id)),
    );
    const [ours, plain] = [median(times.ours), median(times.reference)];
    figures.push({
      figure: `${id}, \`foldwise train\`: Parquet to bundle and report`,
      ours: inSeconds(ours),
      reference: `${inSeconds(plain)} plain script, Parquet to predictions`,
      measured: `ratio ${(ours / plain).toFixed(2)}`,
      target: "—",
      met: true,
    });
  }
  return figures;
}

/**
 * All six in one `foldwise train`, from its start to its end, against the direct calls one after the other: each the first of a
 * fresh process, as those of `train` are, but with its start and its imports left out.
 */
export async function sixFigure(pairs: number): Promise<Figure> {
  const set = await setting();
  const models = MODELS.map(({ id }) => id);
  const times = await interleavedPairs(
    pairs,
    () => seconds(() => train(set, models)),
    async () => {
      let sum = 0;
      for (const id of models) sum += await freshCall(set, id);
      return sum;
    },
  );
  const [ours, direct] = [median(times.ours), median(times.reference)];
  return {
    figure: "six models in one `foldwise train`, Parquet to bundles and reports",
    ours: inSeconds(ours),
    reference: `${inSeconds(direct)} six direct calls, fits only`,
    measured: `ratio ${(ours / direct).toFixed(3)}`,
    target: "≤ 1.05",
    met: ours <= 1.05 * direct + ALLOWED_SECONDS,
  };
}

async function freshCall(set: Setting, model: string): Promise<number> {
  const reference = await Reference.start(referenceOf(model));
  try {
    return (await reference.run(directCall(set, model))).seconds;
  } finally {
    await reference.close();
  }
}

/** The built command in a process of its own, its store empty, as on a first call. */
async function train({ data }: Setting, models: readonly string[]): Promise<void> {
  const cwd = join(benchFolder(), "train");
  rmSync(cwd, { recursive: true, force: true });
  const asked = ["--model", models.join(","), "--symbol", SYMBOL, "--horizon", String(HORIZON), "--seed", String(SEED)];
  await foldwise(["train", ...asked, "--data", data], cwd);
}

async function plainScript(set: Setting, model: string): Promise<void> {
  const { manifest } = set.dataset;
  const command = {
    ...directCall(set, model),
    model,
    parquet: set.parquet,
    features: manifest.features,
    label: `label_h${HORIZON}`,
    weight: `sample_weight_h${HORIZON}`,
    predict_from: manifest.parts.val.start,
    out: join(benchFolder(), "plain.parquet"),
  };
  const script = join(packageRoot(), "bench", "reference", "whole.py");
  await succeed(findPython().python, [script, JSON.stringify(command)], packageRoot());
}

/** The command of `bench/reference/common.py`: the rows and weights that `train` fits on. */
function directCall({ dataset }: Setting, model: string): Record<string, unknown> {
  const { train: rows, stop } = planOf(dataset);
  const weights = dataset.weights(HORIZON);
  const folder = join(benchFolder(), "direct");
  mkdirSync(folder, { recursive: true });
  const write = (name: string, bytes: Buffer): string => {
    writeFileAtomic(join(folder, `${name}.npy`), bytes);
    return join(folder, `${name}.npy`);
  };
  const definition = ModelRegistry.getModel(model);
  const shipped = resolveTrainingConfig({ cwd: packageRoot() });
  const { model_params, training } = resolveModelConfig(definition, { training: shipped });
  return {
    X: join(dataset.dir, "X.npy"),
    y: join(dataset.dir, `y_h${HORIZON}.npy`),
    w: write(
      "w",
      encodeNpy(
        "<f4",
        [rows.length],
        Float32Array.from(rows, (row) => weights[row]!),
      ),
    ),
    watch_train: false,
    train: write("train", encodeNpy("<i4", [rows.length], rows)),
    stop: write("stop", encodeNpy("<i4", [stop.length], stop)),
    probability_rows: definition.kind === "engine" ? definition.capabilities.probabilityRows : null,
    params: model_params,
    seed: SEED,
    rounds: training.num_boost_round ?? 0,
    patience: training.early_stopping_rounds ?? 0,
    threads: availableParallelism(),
  };
}

/** Purged and embargoed as `train` does it by default: other rows would stop after other rounds. */
function planOf(dataset: StoredDataset): HoldoutPlan {
  const { horizons, parts } = dataset.manifest;
  const { train: fitted, val } = parts;
  return planHoldout({
    timestamps: dataset.timestamps(),
    labels: horizons.map((horizon) => dataset.labels(horizon)),
    labelEnds: horizons.map((horizon) => dataset.labelEnds(horizon)),
    parts,
    embargo: defaultEmbargo(fitted.end - fitted.start + val.end - val.start, 0),
  });
}
