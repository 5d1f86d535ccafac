/** SEQUENCE_MODELS_GUIDE.md: its commands do what it says. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { installedEngines } from "../../src/engine/index.js";
import { ModelRegistry, missingPackages } from "../../src/models/index.js";
import { preparedFolder, succeeds } from "../e2e/fixture.js";
import { blocks, guides, words } from "./guides.js";

const { versions } = await installedEngines();
const installed = missingPackages(ModelRegistry.getModel("lstm"), versions).length === 0;

let cwd: string;
beforeAll(async () => {
  cwd = await preparedFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

// Skipped where torch is left out (FOLDWISE_ENGINES=tabular).
it.skipIf(!installed)("its commands train what they name, beside a tabular model on the same rows", async () => {
  const guide = guides().find(({ path }) => path.endsWith("SEQUENCE_MODELS_GUIDE.md"))!;
  const [install, ...trains] = blocks(guide, "sh")[0]!
    .trim()
    .split("\n")
    .map((line) => words(line).slice(1));
  expect(install).toEqual(["doctor", "--install", "neural"]);
  for (const args of trains) {
    const { stdout } = await succeeds(args, { cwd });
    for (const model of args[args.indexOf("--model") + 1]!.split(",")) expect(stdout).toContain(model);
    expect(stdout).toMatch(/(\d) of \1 jobs? succeeded/);
  }
});
