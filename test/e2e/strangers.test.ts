/** What a quant, an attacker and the next engineer tried, and what must have come of it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { BIN, foldwise, ROOT } from "./cli.js";
import { preparedFolder, succeeds } from "./fixture.js";
import { expectRefusal } from "./refusal.js";
import { warm, warmSucceeds } from "./warm.js";

/** Of an engine that is imported sooner than the others. */
const TRAIN = "train --model lightgbm --set training.num_boost_round=10 --symbol MES --horizon 5,20 --no-test".split(
  " ",
);
const BUNDLE = "experiments/runs/r/models/lightgbm_MES_h20";
/** Of features these few, where it is the bars that matter. */
const FEW = ["--set", "features.timeframes=[]", "--set", "features.groups=[momentum]"];
let cwd: string;
const at = (...parts: string[]): string => join(cwd, ...parts);

beforeAll(async () => {
  cwd = await preparedFolder();
  await succeeds([...TRAIN, "--run-id", "r"], { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("what is read is never written over", () => {
  it("by predict, whatever the file is called", async () => {
    const [bars, rows] = [at("bars.csv"), at("data", "datasets", "MES.parquet")];
    const before = [readFileSync(bars), readFileSync(rows)];
    const predict = (...source: string[]) => warm(["predict", "--model-dir", BUNDLE, ...source], { cwd });
    expectRefusal(await predict("--bars", "bars.csv", "--out", "./data/../bars.csv"), [
      /written over/,
      /another --out/,
    ]);
    const dataset = ["--data", "data/datasets", "--symbol", "MES", "--out", rows];
    expectRefusal(await predict(...dataset), [/written over/]);
    expect([readFileSync(bars).equals(before[0]!), readFileSync(rows).equals(before[1]!)]).toEqual([true, true]);
  });
});

describe("resume", () => {
  const harms = {
    junk: (path: string) => writeFileSync(path, "junk"),
    "a pipe": (path: string) => {
      rmSync(path);
      spawnSync("mkfifo", [path]);
    },
    "less than all": (path: string) => truncateSync(path, statSync(path).size - 10),
  };
  /** The first job of the run stays whole. */
  const damaged: [what: string, harm: keyof typeof harms, job: string, path: (job: string) => string][] = [
    ["bundle", "junk", "lightgbm_MES_h20", (job) => `models/${job}/model.onnx`],
    ["predictions", "junk", "catboost_MES_h5", (job) => `predictions/${job}.parquet`],
    ["predictions", "less than all", "catboost_MES_h20", (job) => `predictions/${job}.parquet`],
    ["report", "junk", "xgboost_MES_h5", (job) => `reports/${job}_report.json`],
    ["report", "a pipe", "xgboost_MES_h20", (job) => `reports/${job}_report.json`],
  ];
  const inRun = (path: string): string => at("experiments", "runs", "d", path);
  const whole = "lightgbm_MES_h5";
  const untouched = (): Buffer => readFileSync(inRun(`models/${whole}/manifest.json`));
  let before: { sizes: number[]; untouched: Buffer };
  let stderr: string;
  beforeAll(async () => {
    const grid = [
      "train",
      "--model",
      "lightgbm,catboost,xgboost",
      "--symbol",
      "MES",
      "--horizon",
      "5,20",
      "--no-test",
      "--set",
      "training.boosting.num_boost_round=10",
    ];
    await succeeds([...grid, "--run-id", "d"], { cwd });
    before = { sizes: damaged.map(([, , job, path]) => statSync(inRun(path(job))).size), untouched: untouched() };
    for (const [, harm, job, path] of damaged) harms[harm](inRun(path(job)));
    ({ stderr } = await succeeds(["resume", "d"], { cwd }));
  });

  it.each(damaged)("fits a finished job again whose %s holds %s: %s", (_, __, job, path) => {
    expect(stderr).toContain(`${job} is fitted again`);
    const file = statSync(inRun(path(job)));
    expect(file.isFile()).toBe(true);
    expect(file.size).toBeGreaterThan(before.sizes[damaged.findIndex(([, , of]) => of === job)]! / 2);
  });

  it("fits no other, and the run has succeeded again", () => {
    const fitted = [...stderr.matchAll(/Training (\w+) for MES, horizon=(\d+)/g)];
    expect(fitted.map(([, model, horizon]) => `${model}_MES_h${horizon}`).sort()).toEqual(
      damaged.map(([, , job]) => job).sort(),
    );
    expect(untouched().equals(before.untouched)).toBe(true);
    expect(Run.open(at("experiments", "runs"), "d").file.status).toBe("succeeded");
  });
});

describe("a reader that stops early", () => {
  it("ends nothing: the run goes on to its end", async () => {
    const child = spawn(process.execPath, [BIN, ...TRAIN, "--json", "--run-id", "deaf"], { cwd });
    child.stdout.once("data", () => child.stdout.destroy());
    child.stderr.resume();
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(Run.open(at("experiments", "runs"), "deaf").file.status).toBe("succeeded");
  });

  it("is not a full disk, which is told without a stack trace", () => {
    const command = `'${process.execPath}' '${BIN}' runs > /dev/full`;
    const { status, stderr } = spawnSync("sh", ["-c", command], { cwd, encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/could not be written/);
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});

describe("bars that may not be read", () => {
  it("are said to be so: it is no matter of disk space", () => {
    const path = at("secret.csv");
    writeFileSync(path, readFileSync(at("bars.csv")), { mode: 0 });
    // The superuser reads everything, so the command runs as nobody.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const args = [BIN, "prepare", path, "--symbol", "X", "--bar-time", "close", "--out", at("secret")];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: "/", encoding: "utf8", ...nobody });
    expect(stderr).toMatch(/secret\.csv: this file may not be read/);
    expect(stderr).not.toMatch(/disk/);
    expect(status).toBe(2);
  });
});

describe("a pipe in a file's place is refused, not waited for", () => {
  it("as a calendar of one's own", async () => {
    mkdirSync(at("config", "calendars"), { recursive: true });
    spawnSync("mkfifo", [at("config", "calendars", "nyse.csv")]);
    const args = ["prepare", "bars.csv", "--symbol", "AAPL", "--bar-time", "close", "--out", "piped"];
    expectRefusal(await foldwise(args, { cwd }), [/nyse\.csv: it is no regular file/]);
    rmSync(at("config"), { recursive: true });
  });

  it.each([
    ["a model", [...TRAIN, "--plugin", "/dev/zero"]],
    ["a feature", ["prepare", "bars.csv", "--symbol", "Z", "--set", "features.plugins=[/dev/zero]"]],
  ])("as the module of %s", async (_, args) => {
    const flags = args[0] === "prepare" ? ["--bar-time", "close", "--out", "piped"] : [];
    expectRefusal(await foldwise([...args, ...flags], { cwd }), [/lug-in \/dev\/zero is no regular file/]);
  });

  it.each([
    ["--config", (pipe: string) => [...TRAIN, "--config", pipe]],
    ["a dataset's meta file", () => [...TRAIN, "--run-id", "piped"]],
  ])("%s", async (what, args) => {
    const pipe = what === "--config" ? at("pipe.yaml") : at("data", "datasets", "MES.meta.json");
    const before = existsSync(pipe) ? readFileSync(pipe) : null;
    rmSync(pipe, { force: true });
    spawnSync("mkfifo", [pipe]);
    const { code, stderr } = await foldwise(args(pipe), { cwd });
    rmSync(pipe);
    if (before !== null) writeFileSync(pipe, before);
    expect([1, 2]).toContain(code);
    expect(stderr).toMatch(/regular file/);
  });
});

describe("bars", () => {
  it.each(["%Y%m%d%H%M%S", "%Y%m%d%H%M"])("with stamps written as %s are dated right", async (format) => {
    const lines = readFileSync(at("bars.csv"), "utf8").trim().split("\n");
    const digits = format.endsWith("S") ? 14 : 12;
    const compact = lines.map((line, i) => {
      if (i === 0) return line;
      const [stamp, ...rest] = line.split(",");
      return [new Date(stamp!).toISOString().replace(/\D/g, "").slice(0, digits), ...rest].join(",");
    });
    writeFileSync(at(`compact${digits}.csv`), compact.join("\n"));
    const args = ["--symbol", "C", "--bar-time", "close", "--horizons", "5", "--out", `c${digits}`, ...FEW];
    const { stdout } = await warmSucceeds(["prepare", `compact${digits}.csv`, ...args], { cwd });
    expect(stdout).toMatch(/bars of 5m/);
    expect(stdout).toMatch(/train .* 2022-01-0/);
  });

  it("with dates that may be day or month first are refused, until --date-order says which", async () => {
    const [head, ...lines] = readFileSync(at("bars.csv"), "utf8").trim().split("\n");
    const dated = lines.map((line) => line.replace(/^(\d+)-(\d+)-(\d+)[T ](\d+:\d+)[^,]*/, "$3/$2/$1 $4"));
    // The generator starts on the 3rd of January: the first days fit both orders.
    const early = dated.filter((line) => Number(line.slice(0, 2)) <= 12).slice(0, 1200);
    writeFileSync(at("slashed.csv"), [head, ...early].join("\n"));
    const args = ["slashed.csv", "--symbol", "S", "--horizons", "5", "--bar-time", "close", "--out", "s", ...FEW];
    expectRefusal(await warm(["prepare", ...args], { cwd }), [/month first or day first/, /--date-order dmy/]);
    expectRefusal(await warm(["try", "slashed.csv", "--symbol", "S"], { cwd }), [/--date-order dmy/]);
    const { stdout } = await warmSucceeds(["prepare", ...args, "--date-order", "dmy"], { cwd });
    expect(stdout).toMatch(/dates day first/);
    expect(stdout).toMatch(/train .* 2022-01-0/);
    const predict = ["predict", "--model-dir", BUNDLE, "--bars", "slashed.csv", "--out", "slashed.parquet"];
    expectRefusal(await warm(predict, { cwd }), [/--date-order dmy/]);
    await warmSucceeds([...predict, "--date-order", "dmy"], { cwd });
  });

  it("beyond whose end the horizon reaches are refused at once", async () => {
    const args = ["prepare", "bars.csv", "--symbol", "H", "--bar-time", "close", "--out", "h"];
    for (const horizon of ["9007199254740991", "2000000000", "4000"]) {
      expectRefusal(await warm([...args, "--horizons", horizon], { cwd }), [/[Hh]orizon/]);
    }
  });

  it("in a folder that cannot be made are refused, not waited for", async () => {
    const args = ["prepare", "bars.csv", "--symbol", "P", "--bar-time", "close", "--horizons", "5"];
    expectRefusal(await foldwise([...args, "--out", "/proc/x"], { cwd }), [/Could not write/], 1);
  });
});

describe("foldwise try", () => {
  it("answers from a file of daily bars in one command, and names what goes further", async () => {
    const [head, ...days] = readFileSync(join(ROOT, "examples", "data", "sp500_daily.csv"), "utf8").split("\n");
    const csv = at("daily.csv");
    writeFileSync(csv, [head, ...days.slice(-2000)].join("\n"));
    const { stdout } = await succeeds(["try", csv, "--symbol", "SPX"], { cwd });
    expect(stdout).toMatch(/holidays and early closes are those of nyse/);
    for (const model of ["logistic", "lightgbm"]) {
      const told = stdout.split("\n").filter((line) => line.startsWith(`${model}: Beats the prior? `));
      expect(told).toHaveLength(2);
      expect(told[1]).toMatch(/effective n = \d+ \(purged 5-fold cross-validation\)$/);
    }
    expect(stdout).toMatch(
      /Go on with:\n {2}foldwise train --model all --symbol SPX --horizon 20 --data data\/try\/datasets/,
    );
    const next = /foldwise (predict --model-dir \S+) --bars NEW_BARS/.exec(stdout)![1]!;
    await warmSucceeds([...next.split(" "), "--bars", csv, "--out", "try.csv"], { cwd });
    expect(existsSync(at("try.csv"))).toBe(true);
  });

  it("says what it guessed", async () => {
    const few = readFileSync(at("bars.csv"), "utf8").split("\n").slice(0, 2001);
    writeFileSync(at("unknown.csv"), few.join("\n"));
    // What is guessed does not depend on the features.
    mkdirSync(at("config"));
    writeFileSync(at("config", "prepare.yaml"), "features: {timeframes: [], groups: [momentum]}\n");
    const { stdout } = await succeeds(["try", "unknown.csv", "--symbol", "XYZ", "--horizon", "5"], { cwd });
    expect(stdout).toMatch(/Guessed: XYZ is not in config\/symbols\.yaml/);
    expect(stdout).toMatch(/Guessed: stamps name each bar's open/);
  });
});
