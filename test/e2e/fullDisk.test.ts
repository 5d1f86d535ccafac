/** A full disk: an error with a remedy, and nothing half-written under a final name. By a tiny file system where root may mount one, else by `ulimit`. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBundle } from "../../src/artifacts/index.js";
import { type CliResult, emptyFolder, foldwise } from "./cli.js";
import { query, succeeds } from "./fixture.js";
import { expectRefusal, filesBelow } from "./refusal.js";

let cwd: string;
const RUN = join("experiments", "runs", "r");
const TRAIN = ["train", "--model", "logistic", "--symbol", "MES", "--horizon", "5"];
beforeAll(async () => {
  cwd = emptyFolder();
  await succeeds(["demo-data", "--bars", "1500", "--out", "bars.csv"], { cwd });
  const features = "features.include=[log_return_*, body_ratio, close_location]";
  const prepare = ["prepare", "bars.csv", "--symbol", "MES", "--bar-time", "close", "--horizons", "5"];
  await succeeds([...prepare, "--set", features], { cwd });
  await succeeds([...TRAIN, "--run-id", "r"], { cwd });
});
const mounted: string[] = [];
afterAll(() => {
  for (const folder of mounted) execFileSync("umount", ["-l", folder]);
  rmSync(cwd, { recursive: true, force: true });
});

/** KiB; the largest file of a run is larger. */
const LARGEST_FILE = 24;
let disks = 0;
/** Runs the command with `{DISK}` in its arguments standing for a folder that has room for `kib` KiB. */
async function onTinyDisk(kib: number, args: string[]): Promise<CliResult & { disk: string }> {
  const name = `disk${disks++}`;
  const disk = join(cwd, name);
  mkdirSync(disk);
  const filled = args.map((arg) => arg.replace("{DISK}", name));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", disk], { stdio: "ignore" });
    mounted.push(disk);
  } catch {
    // Not root: no file may grow beyond that size, which a program learns in the same way.
    return { ...(await foldwise(filled, { cwd, fileKib: Math.min(kib, LARGEST_FILE) })), disk };
  }
  return { ...(await foldwise(filled, { cwd })), disk };
}

/** Exit code 1, the reason and the remedy; every file under a final name is whole, and no temporary one is left. */
async function expectFull({ disk, ...result }: CliResult & { disk: string }): Promise<void> {
  expectRefusal(result, [/no space|disk is full|would be larger|too large/i, /[Ff]ree (disk )?space/], 1);
  for (const name of filesBelow(disk)) {
    expect(name).not.toMatch(/\.tmp$|\.work/);
    const path = join(disk, name);
    if (name.endsWith(".parquet")) await query(`SELECT count(*) FROM '${path}'`);
    if (name.endsWith(".json")) JSON.parse(readFileSync(path, "utf8"));
    if (name.endsWith("manifest.json")) await readBundle(dirname(path));
  }
}

describe("a full disk", () => {
  it("stops prepare", async () => {
    const result = await onTinyDisk(16, [
      "prepare",
      "bars.csv",
      "--symbol",
      "MES",
      "--bar-time",
      "close",
      "--out",
      "{DISK}",
    ]);
    await expectFull(result);
    expect(filesBelow(result.disk)).toEqual([]);
  });

  it("stops the dataset store", async () => {
    const result = await onTinyDisk(16, [...TRAIN, "--store", "{DISK}/store", "--runs", "nowhere"]);
    await expectFull(result);
    expect(filesBelow(result.disk)).toEqual([]);
    expect(existsSync(join(cwd, "nowhere"))).toBe(false);
  });

  // From the first file of a run to its bundle.
  it.each([4, 20, 72, 204])("of %d KiB stops train, wherever it is", async (kib) => {
    const result = await onTinyDisk(kib, [...TRAIN, "--runs", "{DISK}"]);
    await expectFull(result);
    expect(filesBelow(result.disk).filter((name) => /report\.json|predictions/.test(name))).toEqual([]);
  });

  it.each(["csv", "parquet"])("stops predict to %s", async (extension) => {
    const args = ["predict", "--model-dir", join(RUN, "models", "logistic_MES_h5"), "--bars", "bars.csv"];
    const result = await onTinyDisk(8, [...args, "--out", `{DISK}/p.${extension}`]);
    await expectFull(result);
    expect(filesBelow(result.disk)).toEqual([]);
  });

  it("stops demo-data", async () => {
    const result = await onTinyDisk(8, ["demo-data", "--bars", "1500", "--out", "{DISK}/bars.csv"]);
    await expectFull(result);
    expect(filesBelow(result.disk)).toEqual([]);
  });
});
