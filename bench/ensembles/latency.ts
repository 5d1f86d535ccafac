import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleDigest, readBundle, writeBundle } from "../../src/artifacts/index.js";
import { loadModel } from "../../src/inference/index.js";
import { foldwise } from "../lib/cli.js";
import { SYMBOL } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { HORIZON } from "./market.js";

/** Tabular, without the exact kernel machine, whose every answer visits all support vectors. */
const MODELS = ["xgboost", "lightgbm", "catboost", "random_forest", "logistic"];
const SEEDS = [7, 8];
const CALLS = 3_000;
const MOST_MILLISECONDS = 1;

/** One row through a stack of ten bases in this Node: five models of two seeds, combined as `stacking` does. */
export async function latencyFigure(cwd: string): Promise<Figure> {
  const bases: Record<string, Awaited<ReturnType<typeof readBundle>>> = {};
  for (const seed of SEEDS) {
    const run = seed === 7 ? "all" : `seed-${seed}`;
    if (run !== "all") {
      const asked = ["--symbol", SYMBOL, "--horizon", String(HORIZON), "--seed", String(seed), "--no-test"];
      await foldwise(["train", "--model", MODELS.join(","), ...asked, "--run-id", run], cwd);
    }
    for (const model of MODELS) {
      const job = `${model}_${SYMBOL}_h${HORIZON}`;
      bases[`${model}_${seed}`] = await readBundle(join(cwd, "experiments", "runs", run, "models", job));
    }
  }
  const { manifest, pipeline } = await readBundle(
    join(cwd, "experiments", "runs", "all", "models", `stacking_${SYMBOL}_h${HORIZON}`),
  );
  const names = Object.keys(bases);
  const dir = join(cwd, "ten");
  rmSync(dir, { recursive: true, force: true });
  await writeBundle(dir, {
    ...manifest,
    created: new Date(),
    pipeline,
    config: "{}\n",
    ensemble: {
      bases: names.map((name) => ({ name, sha256: bundleDigest(bases[name]!) })),
      layer: [],
      passthrough: [],
      combiner: { kind: "shrunk_logistic", coefficients: names.map(() => [1 / names.length]), bias: [0, 0, 0] },
    },
    parts: { bases, layer: {} },
    files: {},
  });
  const model = await loadModel(dir);
  const row = new Float32Array(model.featureNames.length);
  const times = new Float64Array(CALLS);
  for (let call = -500; call < CALLS; call += 1) {
    row[Math.abs(call) % row.length] = call / CALLS;
    const start = performance.now();
    await model.predictRow(row);
    if (call >= 0) times[call] = performance.now() - start;
  }
  await model.close();
  times.sort();
  const [p50, p99] = [times[CALLS >> 1]!, times[Math.floor(0.99 * CALLS)]!];
  return {
    figure: `Node, one row through a stack of ${names.length} bases, p50`,
    ours: `${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms`,
    reference: "",
    measured: `${p50.toFixed(3)} ms`,
    target: `≤ ${MOST_MILLISECONDS} ms`,
    met: p50 <= MOST_MILLISECONDS,
  };
}
