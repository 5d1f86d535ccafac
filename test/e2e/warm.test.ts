/** `warm` is what a process of its own is: the same words, exit code and files, also behind other calls, refused and accepted. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, foldwise, ROOT } from "./cli.js";
import { filesBelow } from "./refusal.js";
import { warm } from "./warm.js";

const PREPARE = ["prepare", "bars.csv", "--symbol", "SPX", "--bar-time", "close", "--allow-small", "--horizons", "5"];
const FEW = ["--set", "features.include=[body_ratio, close_location]"];
const CALLS: [what: string, args: string[], code: number][] = [
  ["an unknown command", ["prepair"], 2],
  ["bars that are accepted", [...PREPARE, ...FEW], 0],
  ["bars that are not there", ["prepare", "nothing.csv", "--symbol", "SPX"], 2],
  ["a setting that does not exist", [...PREPARE, "--set", "label.target_neutrl=0.3"], 2],
  ["rows with too few of a kind", ["train", "--model", "logistic", "--symbol", "SPX", "--horizon", "7"], 2],
  ["a bundle that is none", ["predict", "--model-dir", ".", "--bars", "bars.csv", "--out", "p.csv"], 2],
  ["an output that cannot be written", [...PREPARE, ...FEW, "--out", "/proc/x"], 1],
  ["a result in JSON", ["models", "--json"], 0],
  ["help", ["train", "--help"], 0],
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-warm-"));
  const csv = readFileSync(join(ROOT, "examples", "data", "sp500_daily.csv"), "utf8");
  for (const name of ["apart", "warm"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "bars.csv"), csv.split("\n").slice(0, 401).join("\n"));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(["first", "again"])("the %s time, a warm call", () => {
  it.each(CALLS)("says to %s what a process of its own says", async (_, args, code) => {
    const bare = ({ code, stdout, stderr }: CliResult, name: string) => ({
      code,
      stdout: stdout.replaceAll(join(folder, name), "cwd"),
      stderr: stderr.replaceAll(join(folder, name), "cwd"),
      // The store's index goes by the path of what was read.
      files: filesBelow(join(folder, name)).map((path) => path.replace(/index\/\w+/, "index/…")),
    });
    const apart = bare(await foldwise(args, { cwd: join(folder, "apart") }), "apart");
    expect(bare(await warm(args, { cwd: join(folder, "warm") }), "warm")).toEqual(apart);
    expect(apart.code, apart.stderr).toBe(code);
  });
});

it("knows what `exit` is, and starts another process behind it", async () => {
  const cwd = join(folder, "warm");
  writeFileSync(join(cwd, "exits.mjs"), "process.stdout.write('gone\\n'); process.exit(3);");
  const gone = await warm(["train", "--model", "x", "--symbol", "SPX", "--plugin", "exits.mjs"], { cwd });
  expect(gone).toMatchObject({ code: 3, stdout: "gone\n" });
  expect((await warm(["prepair"], { cwd })).code).toBe(2);
});
