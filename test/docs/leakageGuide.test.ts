/** LEAKAGE_GUIDE.md shows what the example prints, and the example counts what the guide is about. */
import { execFileSync } from "node:child_process";
import { beforeAll, expect, it } from "vitest";
import { blocks, guides, ROOT } from "./guides.js";

const guide = guides().find(({ path }) => path.endsWith("LEAKAGE_GUIDE.md"))!;
const EXAMPLE = "examples/leakage/leakage.js";

let printed: string;
beforeAll(() => {
  printed = execFileSync(process.execPath, [EXAMPLE], { cwd: ROOT, encoding: "utf8" });
});

const countsOf = (rule: string): number[] => {
  const line = printed.split("\n").find((each) => each.startsWith(rule));
  return line!.slice(42).trim().split(/\s+/).map(Number);
};

it("shows what the example prints", () => {
  expect(blocks(guide, "sh")[0]).toContain(`node ${EXAMPLE}`);
  expect(blocks(guide, "text")).toContain(printed);
});

it("counts 20, 40, 60 and 80 rows where the purge begins at the first tested label's end, and none of ours", () => {
  expect(countsOf("mlfinlab").slice(0, 4)).toEqual([20, 40, 60, 80]);
  for (const rule of ["Foldwise k-fold  ", "Foldwise CPCV", "Foldwise walk-forward"])
    expect(countsOf(rule)).toEqual([0, 0, 0, 0, 0]);
});
