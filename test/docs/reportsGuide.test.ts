/** REPORTS_GUIDE.md, followed word for word in an empty folder: what it shows is what comes out. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { emptyFolder } from "../e2e/cli.js";
import { succeeds } from "../e2e/fixture.js";
import { guides, words } from "./guides.js";

const { text } = guides().find(({ path }) => path.endsWith("REPORTS_GUIDE.md"))!;
const fences = [...text.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)].map(([, kind, body]) => ({ kind, body: body! }));

/** Numbers apart from the words around them; another processor's arithmetic may move the last digit. */
const NUMBER = /−?\d+(?: \d{3})*(?:\.\d+)?/g;
const figures = (line: string): number[] =>
  [...line.matchAll(NUMBER)].map(([figure]) => Number(figure.replace("−", "-").replaceAll(" ", "")));
const frame = (line: string): string => line.replace(NUMBER, "#").replace(/\s+/g, " ").trim();

let cwd: string;
beforeAll(() => {
  cwd = emptyFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("its commands print what it shows", async () => {
  let printed: string[] = [];
  let shown = 0;
  for (const { kind, body } of fences) {
    if (kind === "sh") {
      for (const line of body.trim().split("\n"))
        printed = (await succeeds(words(line).slice(1), { cwd })).stdout.split("\n");
      continue;
    }
    for (const line of body.trimEnd().split("\n")) {
      const found = printed.filter((candidate) => frame(candidate) === frame(line));
      expect(found, `nothing is printed like: ${line}`).not.toEqual([]);
      const near = found.some((candidate) =>
        figures(candidate).every(
          (value, i) => Math.abs(value - figures(line)[i]!) <= 0.02 * Math.max(1, Math.abs(value)),
        ),
      );
      expect(near, `${line}\n${found.join("\n")}`).toBe(true);
      shown++;
    }
  }
  expect(shown).toBeGreaterThan(25);
});
