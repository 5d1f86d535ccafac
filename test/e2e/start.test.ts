import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { type CliResult, emptyFolder, foldwise } from "./cli.js";

/** Imported before the command: at its end, writes down which shared libraries its process holds. */
const WATCH = `
import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(process.env.LOADED, JSON.stringify(process.report.getReport().sharedObjects)));
`;

let cwd: string;

async function loadedBy(...args: string[]): Promise<CliResult & { native: string[] }> {
  const file = join(cwd, "loaded.json");
  const env = { LOADED: file, NODE_OPTIONS: `--import ${pathToFileURL(join(cwd, "watch.mjs")).href}` };
  const result = await foldwise(args, { cwd, env });
  const objects = JSON.parse(readFileSync(file, "utf8")) as string[];
  return { ...result, native: objects.filter((path) => path.includes("node_modules")) };
}

describe("a call loads the native libraries that it uses", () => {
  beforeAll(() => {
    cwd = emptyFolder();
    writeFileSync(join(cwd, "watch.mjs"), WATCH);
  });

  it.each(["--help", "train --help", "train --modle xgboost", "train --model nosuch --symbol MES", "models", "runs"])(
    "none for foldwise %s",
    async (line) => {
      const { native, stdout, stderr } = await loadedBy(...line.split(" "));
      expect(`${stdout}${stderr}`).not.toBe("");
      expect(native).toEqual([]);
    },
  );

  it("DuckDB where Parquet is written", async () => {
    const { code, native } = await loadedBy("demo-data", "--bars", "100", "--out", "bars.parquet");
    expect(code).toBe(0);
    expect(native.some((path) => path.endsWith("duckdb.node"))).toBe(true);
    expect(native.some((path) => path.includes("onnxruntime"))).toBe(false);
  });
});
