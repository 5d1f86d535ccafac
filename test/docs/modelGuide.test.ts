import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { emptyFolder, foldwise } from "../e2e/cli.js";
import { blocks, guides, words } from "./guides.js";

const guide = guides().find(({ path }) => path.endsWith("MODEL_INTEGRATION_GUIDE.md"))!;
const [definition = ""] = blocks(guide, "js");
const [adapter = ""] = blocks(guide, "py");
const [yaml = ""] = blocks(guide, "yaml");
const commands = blocks(guide, "sh")
  .flatMap((block) => block.split("\n"))
  .filter((line) => line.startsWith("foldwise "))
  .map((line) => words(line).slice(1));

let cwd: string;
beforeAll(async () => {
  cwd = emptyFolder();
  const files = {
    "my_model/my_model.js": definition,
    "my_model/my_model.py": adapter,
    "config/models/my_model.yaml": yaml,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(cwd, dirname(path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  await foldwise(["demo-data", "--symbol", "MES", "--bars", "3000", "--out", "bars.csv"], { cwd });
  const args = ["prepare", "bars.csv", "--symbol", "MES", "--bar-time", "close", "--horizons", "20"];
  expect((await foldwise(args, { cwd })).code).toBe(0);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("the guide's three files are a model that is listed, trained and predicts in Node", async () => {
  for (const args of commands) {
    const { code, stderr } = await foldwise(args, { cwd });
    expect(code, `${args.join(" ")}\n${stderr}`).toBe(0);
  }
  const runs = await foldwise(["runs", "--json"], { cwd });
  const listed = runs.events.at(-1) as { runs: { run_id: string }[] };
  const bundle = join("experiments", "runs", listed.runs[0]!.run_id, "models", "my_model_MES_h20");
  // What the YAML file says is what was fitted.
  expect(readFileSync(join(cwd, bundle, "config.yaml"), "utf8")).toMatch(/depth: 5/);
  const predict = await foldwise(["predict", "--model-dir", bundle, "--bars", "bars.csv", "--out", "p.csv"], { cwd });
  expect(predict.code, predict.stderr).toBe(0);
  expect(readFileSync(join(cwd, "p.csv"), "utf8").split("\n").length).toBeGreaterThan(2000);
});
