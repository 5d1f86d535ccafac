import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { BUILTIN } from "../../src/models/index.js";
import type { Report } from "../../src/report/index.js";
import { attainable } from "../attainable.js";
import { meanOf } from "../lib/blocks.js";
import { foldwise } from "../lib/cli.js";
import { SYMBOL } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { BARS, HORIZON, preparedMarket, reportOf, SEEDS } from "./market.js";

/** Simulated continuations of each test row. */
const PATHS = 500;
/** Without the sequence models, which would take an hour for five seeds. */
const MODELS = BUILTIN.filter(({ family }) => family !== "neural");

/**
 * The best ensemble against the best single model of one `foldwise train`, each the best of the calibrate rows: test log-loss over
 * five markets with the generator's planted signal, beside what its hidden state attains on the same rows.
 */
export async function qualityFigures(): Promise<Figure[]> {
  const seeds = [];
  for (const seed of SEEDS) {
    const cwd = await preparedMarket("quality", seed);
    const asked = ["--model", MODELS.map(({ id }) => id).join(","), "--symbol", SYMBOL, "--horizon", String(HORIZON)];
    await foldwise(["train", ...asked, "--seed", String(seed), "--run-id", "all"], cwd);
    const bestOf = (ensemble: boolean): Report => {
      const reports = MODELS.filter(({ family }) => (family === "ensemble") === ensemble).map(({ id }) =>
        reportOf(cwd, "all", id),
      );
      if (reports.length === 0) throw new Error(`there is no ${ensemble ? "ensemble" : "single model"} to choose`);
      return reports.reduce((best, each) => (calibrateLoss(each) < calibrateLoss(best) ? each : best));
    };
    const found = { ensemble: bestOf(true), single: bestOf(false), attained: await attained(cwd, seed) };
    const { ensemble, single } = found;
    console.error(
      `  seed ${seed}: ${ensemble.model_name} ${testLoss(ensemble).toFixed(4)}, ${single.model_name} ${testLoss(single).toFixed(4)}, attainable ${found.attained.toFixed(4)}`,
    );
    seeds.push(found);
  }
  const [ours, single, hidden] = [
    meanOf(seeds.map(({ ensemble }) => testLoss(ensemble))),
    meanOf(seeds.map((each) => testLoss(each.single))),
    meanOf(seeds.map(({ attained: loss }) => loss)),
  ];
  const differences = seeds.map((each) => testLoss(each.ensemble) - testLoss(each.single));
  const mean = meanOf(differences);
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (differences.length - 1);
  const error = Math.sqrt(variance / differences.length);
  const signed = `${mean < 0 ? "−" : "+"}${Math.abs(mean).toFixed(4)}`;
  return [
    {
      figure: `best ensemble against best single model, test log-loss, ${SEEDS.length} markets of ${BARS} bars (attainable ${hidden.toFixed(4)})`,
      ours: ours.toFixed(4),
      reference: `${single.toFixed(4)} single`,
      measured: `difference ${signed} ± ${error.toFixed(4)}`,
      target: "≤ one standard error",
      met: mean <= error,
    },
  ];
}

const calibrateLoss = (report: Report): number => report.validation.calibrate.metrics.log_loss;

function testLoss({ test }: Report): number {
  if (test === null) throw new Error("the test part stayed closed");
  return test.metrics.log_loss;
}

/** Log-loss of the hidden state's probabilities at the test rows' labels. */
async function attained(cwd: string, seed: number): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const file = join(cwd, "experiments", "runs", "all", "predictions", `${MODELS[0]!.id}_${SYMBOL}_h${HORIZON}.parquet`);
  const rows = await connection.runAndReadAll(
    `SELECT epoch_us(timestamp)::DOUBLE AS stamp FROM '${file}' WHERE part = 'test' ORDER BY timestamp`,
  );
  const at = Float64Array.from(rows.getRows(), ([stamp]) => Number(stamp));
  connection.closeSync();
  instance.closeSync();
  const [result] = attainable({ symbol: SYMBOL, bars: BARS, bar: "5m", seed, horizons: [HORIZON], paths: PATHS, at });
  return result!.realised.value;
}
