/** Ctrl-C keeps what is finished, `resume` does the rest and nothing twice, and the end is that of an unbroken run. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { type CliResult, foldwise } from "./cli.js";
import { largestDifference, preparedFolder, query, succeeds } from "./fixture.js";
import { workersOf } from "./processes.js";

const FIRST = "logistic_MES_h20";
const SECOND = "xgboost_MES_h20";
/** Long enough to be met in the middle of a fit: no early stopping. */
const TRAIN = [
  "train",
  ..."--model logistic,xgboost --symbol MES --horizon 20 --no-test --json".split(" "),
  ..."--set training.boosting.num_boost_round=300 --set training.boosting.early_stopping_rounds=null".split(" "),
];
let cwd: string;
let broken: CliResult;
let second: CliResult | undefined;
let kept: Record<string, string>;
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const run = (id: string): Run => Run.open(join(cwd, "experiments", "runs"), id);
const predictions = (id: string, job: string): string => join(runDir(id), "predictions", `${job}.parquet`);

/** Name → time of writing and content of the files of a bundle. */
function filesOf(id: string, job: string): Record<string, string> {
  const dir = join(runDir(id), "models", job);
  return Object.fromEntries(
    readdirSync(dir).map((name) => {
      const path = join(dir, name);
      return [name, `${statSync(path).mtimeMs} ${readFileSync(path, "base64")}`];
    }),
  );
}

beforeAll(async () => {
  cwd = await preparedFolder();
  await succeeds([...TRAIN, "--run-id", "whole"], { cwd });
  let resumed: Promise<CliResult> | undefined;
  let said = "";
  broken = await foldwise([...TRAIN, "--run-id", "broken"], {
    cwd,
    onOutput: (text, child) => {
      said += text;
      if (resumed !== undefined || !said.includes(`"progress","job":"${SECOND}"`)) return;
      // The second fit may end before the first model is judged, which only then is a thing to keep: its worker waits for that.
      const workers = workersOf(child.pid!);
      for (const pid of workers) process.kill(pid, "SIGSTOP");
      if (!said.includes(`"job_finished","job":"${FIRST}"`)) return;
      // The run and its worker stand still in the middle of the fit while another process tries to take it over.
      const all = [child.pid!, ...workers];
      process.kill(child.pid!, "SIGSTOP");
      resumed = foldwise(["resume", "broken"], { cwd }).finally(() => {
        process.kill(child.pid!, "SIGINT");
        for (const pid of all) process.kill(pid, "SIGCONT");
      });
    },
  });
  second = await resumed;
  kept = filesOf("broken", FIRST);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("Ctrl-C in the middle of a fit", () => {
  it("exits 130 and names the command that goes on", () => {
    expect(broken.code, broken.stderr).toBe(130);
    expect(broken.stderr).toMatch(/what is finished is kept/);
    expect(broken.stderr).toMatch(/foldwise resume broken/);
    expect(broken.events.at(-1)).toMatchObject({
      event: "finished",
      status: "failed",
      error: { code: "interrupted.run" },
    });
  });

  it("keeps the finished job and marks the other as interrupted", () => {
    const { status, jobs, process } = run("broken").file;
    expect({ status, process }).toEqual({ status: "interrupted", process: null });
    expect(jobs.map(({ job, status }) => [job, status])).toEqual([
      [FIRST, "succeeded"],
      [SECOND, "interrupted"],
    ]);
    expect(readdirSync(join(runDir("broken"), "models"))).toEqual([FIRST]);
    expect(readdirSync(runDir("broken"))).not.toContain(".work");
  });
});

describe("Ctrl-C while bars are prepared", () => {
  it("exits 130 and leaves nothing, not even a temporary file", async () => {
    await succeeds(["demo-data", "--symbol", "MGC", "--bars", "20000", "--bar", "1m", "--out", "many.csv"], { cwd });
    const { code, stderr } = await foldwise(
      ["prepare", "many.csv", "--symbol", "MGC", "--bar-time", "close", "--out", "many"],
      { cwd, onOutput: (text, child) => void (text.includes("Computing") && child.kill("SIGINT")) },
    );
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/again to start over/);
    expect(existsSync(join(cwd, "many"))).toBe(false);
  });
});

describe("resume refuses", () => {
  it("a run that is being worked on, and names the process", () => {
    expect(second?.code).toBe(2);
    expect(second?.stderr).toMatch(/still being worked on by process \d+/);
  });

  it("a run that is not there, and a name that leaves the folder", async () => {
    const [unknown, outside] = await Promise.all(
      ["nothing", "../whole"].map((id) => foldwise(["resume", id], { cwd })),
    );
    expect(unknown?.code).toBe(2);
    expect(unknown?.stderr).toMatch(/no run nothing/);
    expect(outside?.code).toBe(2);
    expect(outside?.stderr).toMatch(/run id/);
  });

  it("data that were changed, and leaves the run as it is", async () => {
    const path = join(cwd, "data", "datasets", "MES.parquet");
    const before = readFileSync(path);
    const file = readFileSync(join(runDir("broken"), "run.json"), "utf8");
    await query(`COPY (SELECT * REPLACE (rsi_14 + 1 AS rsi_14) FROM '${path}') TO '${path}' (FORMAT parquet)`);
    const { code, stderr } = await foldwise(["resume", "broken"], { cwd });
    writeFileSync(path, before);
    expect(code).toBe(2);
    expect(stderr).toMatch(/data of MES is not what run broken began with/);
    expect(readFileSync(join(runDir("broken"), "run.json"), "utf8")).toBe(file);
  });
});

describe("resume", () => {
  let resumed: CliResult;
  beforeAll(async () => {
    resumed = await succeeds(["resume", "broken", "--json"], { cwd });
  });

  it("fits what was not finished, and that alone", () => {
    const started = resumed.events.filter(({ event }) => event === "job_started").map(({ job }) => job);
    expect(started).toEqual([SECOND]);
    expect(filesOf("broken", FIRST)).toEqual(kept);
  });

  it("ends as the run would have ended: all jobs in the result, the same predictions and graphs", async () => {
    expect(resumed.events.at(-1)).toMatchObject({
      event: "finished",
      status: "succeeded",
      run_id: "broken",
      models: [{ job: FIRST }, { job: SECOND }],
    });
    for (const job of [FIRST, SECOND]) {
      const { rows, difference } = await largestDifference(predictions("broken", job), predictions("whole", job));
      expect(rows).toBeGreaterThan(300);
      expect(difference).toBe(0);
      const graph = (id: string): Buffer => readFileSync(join(runDir(id), "models", job, "model.onnx"));
      expect(graph("broken").equals(graph("whole"))).toBe(true);
    }
  });

  it("of a run that is complete fits nothing and says what there is", async () => {
    const again = await succeeds(["resume", "broken", "--json"], { cwd });
    expect(again.events.filter(({ event }) => event === "job_started")).toEqual([]);
    expect(again.events.at(-1)).toMatchObject({ status: "succeeded" });
  });

  it("fits a job again that has a pipe in the place of its predictions, and that alone", async () => {
    const path = predictions("broken", FIRST);
    rmSync(path);
    execFileSync("mkfifo", [path]);
    const again = await foldwise(["resume", "broken", "--json"], { cwd });
    expect(again.code, again.stderr).toBe(0);
    const started = again.events.filter(({ event }) => event === "job_started");
    expect(started.map(({ job }) => job)).toEqual([FIRST]);
    expect(JSON.stringify(again.events)).toContain(`${FIRST} is fitted again`);
    expect(statSync(path).isFile()).toBe(true);
  });
});
