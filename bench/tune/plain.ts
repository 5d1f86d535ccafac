import type { Run } from "../../src/artifacts/index.js";
import { createPool, type EnginePool } from "../../src/engine/index.js";
import { rowLogLosses } from "../../src/evaluation/index.js";
import { type EngineModelDefinition, ModelRegistry } from "../../src/models/index.js";
import type { TuningReport } from "../../src/report/index.js";
import { fitFold, rowsOfFold } from "../../src/training/index.js";
import { gather } from "../../src/types/index.js";
import { meanOf } from "../lib/blocks.js";
import { HORIZON, SYMBOL } from "../lib/dataset.js";
import { MODEL, type TuneData } from "./data.js";

type Trial = TuningReport["trials"][number];

/** A configuration, cross-validated. */
export interface PlainTrial {
  slot: number;
  seconds: number;
  /** (tested rows) log-losses, fold by fold, which is in time order. */
  losses: Float64Array;
  /** Mean of them. */
  value: number;
  quantised: string[];
}

export function lightgbm(): EngineModelDefinition {
  const definition = ModelRegistry.getModel(MODEL);
  if (definition.kind !== "engine") throw new Error(`${MODEL} is no engine's`);
  return definition;
}

/** A worker with the model's engine imported, as `tune` has it when its search begins. */
export async function warmPool({ id, adapter }: EngineModelDefinition, cwd: string): Promise<EnginePool> {
  const pool = createPool({ workers: 1, cwd });
  pool.warm([{ model: id, adapter }]);
  await pool.hello();
  return pool;
}

/** The settings of a trial as it was drawn; those of slot 0 are the defaults, which the space need not hold. */
function settingsOf({ defaults }: TuneData, { slot, params }: Pick<Trial, "slot" | "params">) {
  const settings = { model_params: { ...defaults.model_params }, training: { ...defaults.training } };
  for (const [key, value] of slot === 0 ? [] : Object.entries(params)) {
    const [section, name] = key.split(".") as ["model_params" | "training", string];
    settings[section][name] = value;
  }
  return settings;
}

/** The trials' folds as plain fits: no study, no reports, nothing pruned, nothing kept; one after another. */
export async function plainFits(
  data: TuneData,
  trials: readonly Trial[],
  { definition, pool, run, seed }: { definition: EngineModelDefinition; pool: EnginePool; run: Run; seed: number },
): Promise<PlainTrial[]> {
  const { dataset, plan } = data;
  const labels = dataset.labels(HORIZON);
  const rows = plan.folds.map((fold) => rowsOfFold({ definition, dataset, plan }, fold));
  const fitted: PlainTrial[] = [];
  for (const trial of trials) {
    const start = performance.now();
    const losses: number[] = [];
    const quantised: string[] = [];
    for (const [i, fold] of plan.folds.entries()) {
      const { p, facts } = await fitFold({
        run,
        cell: { job: `plain_${trial.slot}`, model: definition.id, symbol: SYMBOL, horizon: HORIZON },
        definition,
        settings: settingsOf(data, trial),
        dataset,
        plan,
        fold,
        rows: rows[i]!,
        seed,
        device: "cpu",
        origin: {
          symbol: SYMBOL,
          horizon: HORIZON,
          fingerprint: dataset.manifest.fingerprint,
          pipeline: dataset.manifest.pipeline,
          runId: run.id,
          config: "{}\n",
          versions: {},
          synthetic: true,
        },
        pool,
        turn: (work) => work(),
      });
      losses.push(...rowLogLosses(gather(labels, fold.test, new Int8Array(fold.test.length)), p));
      quantised.push(facts.quantised ?? "");
    }
    const seconds = (performance.now() - start) / 1000;
    fitted.push({ slot: trial.slot, seconds, losses: Float64Array.from(losses), value: meanOf(losses), quantised });
  }
  return fitted;
}
