/** A sequence model that is killed between two epochs goes on from its checkpoint, and ends as one that was never killed. */
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CHECKPOINTS_FOLDER, Run } from "../../src/artifacts/index.js";
import { installedEngines } from "../../src/engine/index.js";
import { ModelRegistry, missingPackages } from "../../src/models/index.js";
import { type Report, reportSchema } from "../../src/report/index.js";
import { foldwise } from "./cli.js";
import { largestDifference, preparedFolder, readJson, succeeds } from "./fixture.js";
import { runs, workersOf } from "./processes.js";

const { versions } = await installedEngines();
const MODELS = ["lstm", "transformer"].filter(
  (id) => missingPackages(ModelRegistry.getModel(id), versions).length === 0,
);
const train = (model: string, id: string): string[] => [
  "train",
  ...`--model ${model} --symbol MES --horizon 20 --no-test --json --run-id ${id}`.split(" "),
  ..."--set training.neural.max_epochs=14 --set training.neural.patience=14".split(" "),
  ...(model.includes("transformer") ? ["--set", "models.transformer.model_params.num_layers=1"] : []),
];

let cwd: string;
beforeAll(async () => {
  cwd = await preparedFolder();
  if (!MODELS.includes("lstm")) return;
  await succeeds(train(MODELS.join(","), "whole"), { cwd });
  await killedInTraining(train("lstm", "lstm-killed"));
  // What it left, once more, to be damaged.
  cpSync(runDir("lstm-killed"), runDir("cut"), { recursive: true });
  const file = join(runDir("cut"), "run.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"run_id": "lstm-killed"', '"run_id": "cut"'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const checkpoint = (id: string, model: string): string =>
  join(runDir(id), CHECKPOINTS_FOLDER, `${model}_MES_h20`, "checkpoint.safetensors");
const reportOf = (id: string, model: string): Report =>
  reportSchema.parse(readJson(join(runDir(id), "reports", `${model}_MES_h20_report.json`)));

/** Kills the command, worker and all, once some epochs are done. */
async function killedInTraining(args: readonly string[]): Promise<void> {
  let workers: number[] | undefined;
  const result = await foldwise(args, {
    cwd,
    onOutput: (text, child) => {
      if (workers !== undefined || !/"step":[3-9],"total":14/.test(text)) return;
      workers = workersOf(child.pid!);
      process.kill(child.pid!, "SIGKILL");
    },
  });
  expect(result.code, `it was to be killed, but ended:\n${result.stdout}\n${result.stderr}`).toBeNull();
  await vi.waitFor(() => expect((workers ?? []).filter(runs)).toEqual([]), { timeout: 5000, interval: 50 });
}

// Skipped where torch is left out (FOLDWISE_ENGINES=tabular).
describe.skipIf(MODELS.length === 0)("a killed fit of a sequence model", () => {
  it.each(["lstm", "transformer"])("of %s is resumed to the same model", async (model) => {
    const id = `${model}-killed`;
    if (!existsSync(runDir(id))) await killedInTraining(train(model, id));
    expect(existsSync(checkpoint(id, model))).toBe(true);
    await succeeds(["resume", id], { cwd });
    expect(reportOf(id, model).sequence?.resumed_from).toBeGreaterThanOrEqual(2);
    expect(reportOf("whole", model).sequence?.resumed_from).toBe(0);
    const predictions = (run: string): string => join(runDir(run), "predictions", `${model}_MES_h20.parquet`);
    expect(await largestDifference(predictions("whole"), predictions(id))).toMatchObject({ difference: 0 });
    expect(existsSync(join(runDir(id), CHECKPOINTS_FOLDER, `${model}_MES_h20`))).toBe(false);
  });

  it("is refused a checkpoint that was cut short, told where it lies, and begins anew on request", async () => {
    truncateSync(checkpoint("cut", "lstm"), 1000);
    expect((await foldwise(["resume", "cut"], { cwd })).code).toBe(2);
    const [job] = Run.open(join(cwd, "experiments", "runs"), "cut").file.jobs;
    expect(job?.error?.code).toBe("data.engine_refused");
    expect(`${job?.error?.message} ${job?.error?.remedy}`).toContain(join("cut", CHECKPOINTS_FOLDER, "lstm_MES_h20"));
    expect(job?.error?.remedy).toContain("--fresh");
    await succeeds(["resume", "cut", "--fresh"], { cwd });
    expect(reportOf("cut", "lstm").sequence?.resumed_from).toBe(0);
  });
});
