/** AUDIT_GUIDE.md, followed in a folder that its first two commands have made: what it shows is what comes out. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { foldwise } from "../e2e/cli.js";
import { PREPARE_FLAGS, preparedFolder } from "../e2e/fixture.js";
import { blocks, guides, words } from "./guides.js";

const guide = guides().find(({ path }) => path.endsWith("AUDIT_GUIDE.md"))!;
const shell = blocks(guide, "sh").map((block) => block.trim().split("\n"));
const texts = blocks(guide, "text");

let cwd: string;
beforeAll(async () => {
  cwd = await preparedFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("shows a clean dataset, features computed again from the bars", async () => {
  const [, prepare, audit] = shell[0]!;
  for (const flag of PREPARE_FLAGS) expect(words(prepare!)).toContain(flag);
  const { code, stdout } = await foldwise(words(audit!).slice(1), { cwd });
  expect(code).toBe(0);
  expect(stdout).toContain(texts[0]);
});

it("shows what split files leak to who fits on them by hand", async () => {
  const lines = shell[1]!;
  const made = spawnSync("sh", ["-ec", lines.slice(0, -1).join("\n")], { cwd });
  expect(made.status, String(made.stderr)).toBe(0);
  const { code, stdout } = await foldwise(words(lines.at(-1)!).slice(1), { cwd });
  expect(code).toBe(1);
  expect(stdout).toContain(texts[1]);
});
