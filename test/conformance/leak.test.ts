/**
 * Every model on labels that are pure noise: through the real splitters, the real fits of `cv` and one pool it must answer as
 * chance does. The control proves that the test can fail: the same examples, shuffled before they are split, seem to be learned.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { createPool, type EnginePool, installedEngines } from "../../src/engine/index.js";
import { classificationMetrics } from "../../src/evaluation/index.js";
import {
  type EnsembleModelDefinition,
  type ModelDefinition,
  ModelRegistry,
  missingPackages,
} from "../../src/models/index.js";
import { fitFold, rowsOfFold } from "../../src/training/cv/fold.js";
import { planCv } from "../../src/training/cv/plan.js";
import type { Turn } from "../../src/training/engineModel.js";
import { partSpecs } from "../../src/training/ensemble/index.js";
import { originOfArrays } from "../../src/training/origin.js";
import { labelsOf } from "../../src/training/rows.js";
import type { StoredDataset } from "../../src/types/index.js";
import { type Noise, noiseDatasets } from "./noise.js";

const SIZE = { rows: 2000, features: 50, horizon: 20, seqLen: 4 };
const SEEDS = [1, 2];
const FOLDS = 5;

/** The labels are terciles. */
const CHANCE = 1 / 3;
/** Half the width of the 99 % interval of chance for one seed: labels overlap, so that rows / horizon of them count. */
const MARGIN = 2.576 * Math.sqrt((CHANCE * (1 - CHANCE)) / (SIZE.rows / SIZE.horizon));

interface Sections {
  model_params: Record<string, unknown>;
  training?: Record<string, unknown>;
}

const BOOSTING = { num_boost_round: 8, early_stopping_rounds: 4 };
const NEURAL = { seq_len: SIZE.seqLen, lr: 0.02, lr_schedule: "constant", patience: 2, max_epochs: 4 };

/** Two that learn by heart in different ways. */
const BASES = ["logistic", "random_forest"];

/** Small and quick, but able to learn rows by heart: a model that cannot would show no leak, as the control tells. */
const SETTINGS: Record<string, Sections> = {
  xgboost: { model_params: { learning_rate: 0.3, max_depth: 5, min_child_weight: 1, max_bin: 64 }, training: BOOSTING },
  lightgbm: { model_params: { learning_rate: 0.3, min_data_in_leaf: 5, max_bin: 63 }, training: BOOSTING },
  catboost: { model_params: { learning_rate: 0.5, border_count: 32 }, training: BOOSTING },
  random_forest: { model_params: { n_estimators: 10, min_samples_leaf: 5, max_bin: 64 } },
  logistic: { model_params: { max_iter: 25 } },
  svm: { model_params: { C: 1 } },
  voting: { model_params: { bases: BASES } },
  stacking: { model_params: { bases: BASES, folds: 2 } },
  blending: { model_params: { bases: BASES } },
  lstm: { model_params: { hidden_size: 32, num_layers: 1, dropout: 0 }, training: NEURAL },
  gru: { model_params: { hidden_size: 32, num_layers: 1, dropout: 0 }, training: NEURAL },
  tcn: { model_params: { channels: 32, dropout: 0 }, training: NEURAL },
  transformer: {
    model_params: { d_model: 32, nhead: 2, dim_feedforward: 32, num_layers: 1, dropout: 0 },
    training: { ...NEURAL, lr: 0.006, batch_size: 128, max_epochs: 5 },
  },
};

const { versions } = await installedEngines();

let folder: string;
let pool: EnginePool;
/** Of all fits, so that they share its files of row numbers. */
let run: Run;
const data: Noise[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-leak-"));
  pool = createPool({ workers: 1 });
  const jobs = ModelRegistry.listAll().flatMap(({ id }) => [cellOf(id, "inTime"), cellOf(id, "shuffled")]);
  const described = { command: "", seed: SEEDS[0]!, versions: {}, datasets: {}, options: {}, jobs, config: "" };
  run = Run.create({ runsDir: join(folder, "runs"), ...described });
  for (const seed of SEEDS) data.push(await noiseDatasets({ ...SIZE, seed, folder: join(folder, `data-${seed}`) }));
});
afterAll(async () => {
  await pool.close();
  run.release();
  rmSync(folder, { recursive: true, force: true });
});

const cellOf = (model: string, kind: keyof Noise) => ({
  job: `${model}_${kind}_h${SIZE.horizon}`,
  model,
  symbol: kind,
  horizon: SIZE.horizon,
});

/** Bases with the settings of this file. */
function ensembleOf(
  definition: EnsembleModelDefinition,
  model_params: Record<string, unknown>,
  training: ReturnType<typeof resolveTrainingConfig>,
) {
  const known = ModelRegistry.listAll();
  return partSpecs(definition, model_params, {
    known,
    others: known,
    specOf: (part) => {
      const config = SETTINGS[part.id]!;
      return { ...resolveModelConfig(part, { training, config }), definition: part, device: "cpu" };
    },
  });
}

/** Share of right answers among all out-of-fold ones. */
async function accuracyOf(
  definition: ModelDefinition,
  kind: keyof Noise,
  dataset: StoredDataset,
  { seed, sections, embargo }: { seed: number; sections: Sections; embargo?: number },
): Promise<number> {
  const training = resolveTrainingConfig({ cwd: process.cwd(), flags: { seed, preset: "reference" } });
  const settings = resolveModelConfig(definition, { training, config: sections });
  const { horizon, seqLen, rows } = SIZE;
  const cell = cellOf(definition.id, kind);
  const plan = planCv(dataset, { ...training.config.validation, folds: FOLDS }, embargo, seqLen);
  const turn: Turn = (work) => work();
  const parts = definition.kind === "ensemble" ? ensembleOf(definition, settings.model_params, training) : null;
  const ensemble = parts === null ? {} : { ensemble: { ...parts, embargo: plan.embargo } };
  const work = {
    run,
    cell,
    definition,
    settings,
    dataset,
    plan,
    seed,
    device: "cpu",
    pool,
    turn,
    ...ensemble,
  } as const;
  const right = await Promise.all(
    plan.folds.map(async (fold) => {
      const { p } = await fitFold({ ...work, fold, rows: rowsOfFold(work, fold), origin: originOfArrays() });
      return fold.test.length * classificationMetrics(labelsOf(dataset, horizon, fold.test), p).accuracy;
    }),
  );
  expect(plan.rows.length).toBe(rows);
  return right.reduce((sum, each) => sum + each, 0) / rows;
}

/** Of the accuracies, over the seeds. */
async function meanAccuracy(
  definition: ModelDefinition,
  kind: keyof Noise,
  options: { sections: Sections; embargo?: number },
): Promise<number> {
  let sum = 0;
  // An ensemble is many fits, each of which has been through this by itself.
  const seeds = definition.kind === "ensemble" ? SEEDS.slice(0, 1) : SEEDS;
  for (const [i, seed] of seeds.entries())
    sum += await accuracyOf(definition, kind, data[i]![kind], { seed, ...options });
  return sum / seeds.length;
}

for (const definition of ModelRegistry.listAll()) {
  // A model whose engine is left out (FOLDWISE_ENGINES=tabular) cannot be fitted.
  describe.skipIf(missingPackages(definition, versions).length > 0)(`${definition.id}, on labels of pure noise`, () => {
    const sections = SETTINGS[definition.id];
    if (sections === undefined) throw new Error(`Give ${definition.id} settings with which it learns rows by heart.`);

    it("answers as chance does where rows whose labels overlap tested ones are purged", async () => {
      const mean = await meanAccuracy(definition, "inTime", { sections });
      expect(Math.abs(mean - CHANCE)).toBeLessThan(MARGIN);
    });

    it("seems to learn them where rows are shuffled before they are split", async () => {
      const { model_params, training } = sections;
      // Each piece holds one window: a segment would compute many answers for the one that counts.
      const mode = definition.capabilities.input === "sequence" ? { mode: "windowed" } : {};
      const options = { sections: { model_params, training: { ...training, ...mode } }, embargo: 0 };
      const mean = await meanAccuracy(definition, "shuffled", options);
      expect(mean).toBeGreaterThan(CHANCE + MARGIN);
    });
  });
}
