/** HYPERPARAMETER_OPTIMIZATION_GUIDE.md, followed in an empty folder: what it shows is what comes out. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { emptyFolder } from "../e2e/cli.js";
import { warmSucceeds } from "../e2e/warm.js";
import { blocks, guides, words } from "./guides.js";

const guide = guides().find(({ path }) => path.endsWith("HYPERPARAMETER_OPTIMIZATION_GUIDE.md"))!;
const [small = "", conditions = ""] = blocks(guide, "yaml");

/** Numbers apart from the words around them: another processor's arithmetic may move last digits, and a clock its seconds. */
const frame = (line: string): string =>
  line
    .replace(/−?\d+(?: \d{3})*(?:\.\d+)?/g, "#")
    .replace(/\s+/g, " ")
    .trim();

let cwd: string;
beforeAll(() => {
  cwd = emptyFolder();
  writeFileSync(join(cwd, "small.yaml"), small);
  writeFileSync(join(cwd, "conditions.yaml"), conditions);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("its first commands print what it shows", async () => {
  let printed = "";
  for (const line of blocks(guide, "sh")[0]!.trim().split("\n"))
    printed = (await warmSucceeds(words(line).slice(1), { cwd })).stdout;
  const lines = printed.split("\n");
  const shown = blocks(guide, "text").flatMap((block) => block.trimEnd().split("\n"));
  expect(shown.length).toBeGreaterThan(8);
  for (const line of shown) expect(lines.map(frame), line).toContain(frame(line));
  // The trials that are named are these, by their parameters and values.
  const trials = shown.filter((line) => /^\d/.test(line));
  for (const line of trials) expect(lines).toContain(line);
});

it("its other search space is one, condition and all", async () => {
  const { stdout } = await warmSucceeds(["models", "--space", "lightgbm", "--config", "conditions.yaml"], { cwd });
  expect(stdout).not.toContain("model_params.learning_rate");
  expect(stdout).toMatch(/model_params\.min_gain_to_split .* where model_params\.extra_trees is false/);
});
