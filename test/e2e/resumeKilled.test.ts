/** SIGKILL at the worst moments: no worker is left, no broken file lies under a final name, and what follows goes on from there. */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseDocument } from "yaml";
import { Run, readBundle } from "../../src/artifacts/index.js";
import { readNpyHeader } from "../../src/files/index.js";
import { reportSchema } from "../../src/report/index.js";
import { foldwise } from "./cli.js";
import { HORIZONS, largestDifference, preparedFolder, query, readJson, succeeds } from "./fixture.js";
import { runs, workersOf } from "./processes.js";

const JOBS = ["xgboost_MES_h20", "logistic_MES_h20"] as const;
const TRAIN = [
  "train",
  ..."--model xgboost,logistic --symbol MES --horizon 20 --no-test --json".split(" "),
  ..."--set training.boosting.num_boost_round=60 --set training.boosting.early_stopping_rounds=null".split(" "),
];
let cwd: string;
beforeAll(async () => {
  cwd = await preparedFolder();
  await succeeds([...TRAIN, "--run-id", "whole"], { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const runsDir = (): string => join(cwd, "experiments", "runs");

/** When to kill: at the first output, or at the first file (below `folder`) whose name matches. */
type Moment = { output: RegExp } | { folder: string; file: RegExp };

/** Starts the command, kills it with SIGKILL at that moment, and sees its workers end. */
async function killed(args: readonly string[], moment: Moment): Promise<{ workers: number[] }> {
  let workers: number[] | undefined;
  const kill = (pid: number): void => {
    if (workers !== undefined) return;
    workers = workersOf(pid);
    process.kill(pid, "SIGKILL");
  };
  let watcher: ReturnType<typeof watch> | undefined;
  const result = await foldwise(args, {
    cwd,
    onStart: (child) => {
      if (!("file" in moment)) return;
      mkdirSync(moment.folder, { recursive: true });
      watcher = watch(moment.folder, { recursive: true }, (_, name) => {
        if (name !== null && moment.file.test(name)) kill(child.pid!);
      });
    },
    onOutput: (text, child) => {
      if ("output" in moment && moment.output.test(text)) kill(child.pid!);
    },
  });
  watcher?.close();
  expect(result.code, `it was to be killed, but ended:\n${result.stdout}\n${result.stderr}`).toBeNull();
  await vi.waitFor(() => expect((workers ?? []).filter(runs)).toEqual([]), { timeout: 5000, interval: 50 });
  return { workers: workers ?? [] };
}

/** Opens every file below `cwd` that bears a final name. Returns how many there were. */
async function expectNothingBroken(): Promise<number> {
  const files = finalFiles(cwd);
  for (const path of files) {
    if (path.endsWith(".json")) readJson(path);
    if (path.endsWith(".yaml")) expect(parseDocument(readFileSync(path, "utf8")).errors).toEqual([]);
    if (path.endsWith("_report.json")) reportSchema.parse(readJson(path));
    if (path.endsWith(".parquet")) await query(`SELECT count(hash(t)) FROM '${path}' t`);
    if (path.endsWith(".npy")) expectWholeArray(path);
  }
  for (const run of readdirSync(runsDir())) {
    const { jobs } = Run.open(runsDir(), run).file;
    for (const { bundle, report, predictions } of jobs.filter(({ status }) => status === "succeeded")) {
      for (const path of [bundle, report, predictions]) statSync(join(runsDir(), run, String(path)));
    }
    const models = join(runsDir(), run, "models");
    for (const name of readdirSync(runDirOf(run)).includes("models") ? readdirSync(models) : []) {
      if (!name.endsWith(".tmp")) await readBundle(join(models, name));
    }
  }
  return files.length;
}

const runDirOf = (run: string): string => join(runsDir(), run);

/** Temporary names, and the folders of work in progress, are not final. */
function finalFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (/\.tmp(\.spill)?$/.test(entry.name) || entry.name === ".work") return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? finalFiles(path) : [path];
  });
}

function expectWholeArray(path: string): void {
  const fd = openSync(path, "r");
  try {
    const { dtype, shape, offset } = readNpyHeader(fd, path);
    const bytes = Number(dtype.at(-1)) * shape.reduce((product, size) => product * size, 1);
    expect(statSync(path).size).toBe(offset + bytes);
  } finally {
    closeSync(fd);
  }
}

describe("prepare that is killed", () => {
  const prepare = ["prepare", "bars.csv", "--symbol", "NEW", "--bar-time", "close", "--horizons", HORIZONS.join(",")];
  const moments: [when: string, file: RegExp][] = [
    ["while it writes its first file", /NEW.*\.tmp$/],
    ["as the first final name appears", /NEW[^.]*\.(parquet|meta\.json)$/],
  ];

  it.each(moments)("%s leaves no broken file", async (_, file) => {
    await killed([...prepare, "--out", "new", "--layout", "both"], { folder: join(cwd, "new"), file });
    await expectNothingBroken();
  });

  it("can be called again", async () => {
    await succeeds([...prepare, "--out", "new", "--layout", "both"], { cwd });
    expect(
      readdirSync(join(cwd, "new", "datasets"))
        .filter((name) => !name.endsWith(".tmp"))
        .sort(),
    ).toEqual(["NEW.meta.json", "NEW.parquet"]);
    await expectNothingBroken();
  });
});

describe("train that is killed", () => {
  /** In this order, on one run: each time `resume` goes on where the kill before left it. Last: whether a worker runs by then. */
  const moments: [when: string, moment: () => Moment, busy: boolean][] = [
    ["while the dataset is stored", () => ({ folder: join(cwd, "store"), file: /X\.npy/ }), false],
    ["in the middle of a fit", () => ({ output: /"progress","job":"xgboost/ }), true],
    ["while a bundle is written", () => ({ folder: join(runDirOf("k"), "models"), file: /tmp\/model\.onnx/ }), true],
    ["while the exported model is judged", () => ({ output: /"stage":"evaluate"/ }), true],
    ["right after a job has finished", () => ({ output: /"job_finished"/ }), true],
    ["as the next job begins", () => ({ output: /"job":"logistic_MES_h20","stage":"fit"/ }), false],
  ];
  it.each(moments)("%s leaves no worker and no broken file", async (_, moment, busy) => {
    const started = readdirSync(runsDir()).includes("k");
    const args = started ? ["resume", "k", "--json"] : [...TRAIN, "--store", "store", "--run-id", "k"];
    const { workers } = await killed(args, moment());
    if (busy) expect(workers).toHaveLength(1);
    expect(await expectNothingBroken()).toBeGreaterThan(20);
  });

  it("is listed as interrupted, with the command that goes on", async () => {
    const { stdout } = await succeeds(["runs"], { cwd });
    expect(stdout).toMatch(/^k +interrupted/m);
    expect(stdout).toMatch(/Run k was interrupted; continue: foldwise resume k$/m);
    const { events } = await succeeds(["runs", "--json"], { cwd });
    expect(events.at(-1)?.runs).toContainEqual(expect.objectContaining({ run_id: "k", status: "interrupted" }));
  });

  it("is finished by resume, with the predictions of an unbroken run and nothing fitted twice", async () => {
    const before = readFileSync(join(runDirOf("k"), "models", JOBS[0], "manifest.json"), "utf8");
    const { events } = await succeeds(["resume", "k", "--json"], { cwd });
    expect(events.filter(({ event }) => event === "job_started").map(({ job }) => job)).toEqual([JOBS[1]]);
    expect(readFileSync(join(runDirOf("k"), "models", JOBS[0], "manifest.json"), "utf8")).toBe(before);
    for (const job of JOBS) {
      const [a, b] = ["k", "whole"].map((run) => join(runDirOf(run), "predictions", `${job}.parquet`));
      expect(await largestDifference(a!, b!)).toMatchObject({ difference: 0 });
    }
    await expectNothingBroken();
  });

  it("leaves no temporary file once it is resumed", () => {
    const names = readdirSync(runDirOf("k"), { recursive: true }).map(String);
    expect(names.filter((name) => name.includes(".tmp") || name.includes(".work"))).toEqual([]);
  });
});
