import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { type GridCell, planGrid, runGrid } from "../../src/training/grid.js";
import { FoldwiseError, type ProgressEvent } from "../../src/types/index.js";

let runsDir: string;
beforeEach(() => {
  runsDir = mkdtempSync(join(tmpdir(), "foldwise-grid-"));
});
afterEach(() => rmSync(runsDir, { recursive: true, force: true }));

const newRun = (cells: GridCell[]): Run =>
  Run.create({ runsDir, command: "test", seed: 7, versions: {}, datasets: {}, options: {}, jobs: cells, config: "" });

const outcome = (job: string) => ({
  bundle: `models/${job}`,
  report: `reports/${job}_report.json`,
  predictions: "p",
  summary: "",
});

describe("the plan of a grid", () => {
  it("names each cell and keeps a symbol's and a model's cells together", () => {
    expect(planGrid(["xgboost", "logistic"], ["MES", "MGC"], [5, 20]).map((cell) => cell.job)).toEqual([
      "xgboost_MES_h5",
      "xgboost_MES_h20",
      "logistic_MES_h5",
      "logistic_MES_h20",
      "xgboost_MGC_h5",
      "xgboost_MGC_h20",
      "logistic_MGC_h5",
      "logistic_MGC_h20",
    ]);
  });
});

describe("cells of one name", () => {
  it.each([
    ["by underscores", ["a", "a_b"], ["b_c", "c"], "a on b_c at horizon 5 and a_b on c at horizon 5"],
    ["by case", ["m"], ["es", "ES"], "m on es at horizon 5 and m on ES at horizon 5"],
    ["by being named twice", ["m"], ["ES", "ES"], "m on ES at horizon 5 and m on ES at horizon 5"],
  ])("%s are refused", (_, models, symbols, words) => {
    expect(() => planGrid(models, symbols, [5])).toThrow(
      expect.objectContaining({ code: "usage.duplicate_job", message: expect.stringContaining(words) }),
    );
  });
});

describe("running a grid", () => {
  const cells = planGrid(["a", "b"], ["S"], [1, 2]);

  it("goes on after a failure, and says which cell failed and why", async () => {
    const run = newRun(cells);
    const events: ProgressEvent[] = [];
    await runGrid(
      run,
      async ({ job }) => {
        if (job === "a_S_h2") throw new FoldwiseError("data.one_class", "Only class 0.", { remedy: "More rows." });
        return outcome(job);
      },
      { concurrency: 1, onEvent: (event) => events.push(event) },
    );
    expect(run.file.status).toBe("failed");
    expect(run.file.jobs.map((job) => job.status)).toEqual(["succeeded", "failed", "succeeded", "succeeded"]);
    expect(run.file.jobs[1]?.error).toEqual({ code: "data.one_class", message: "Only class 0.", remedy: "More rows." });
    expect(events).toContainEqual({ event: "job_finished", job: "a_S_h2", status: "failed", message: "Only class 0." });
  });

  it("does not repeat what has succeeded", async () => {
    const run = newRun(cells);
    run.updateJob("a_S_h1", { status: "succeeded" });
    run.updateJob("b_S_h2", { status: "failed" });
    const done: string[] = [];
    await runGrid(
      Run.open(runsDir, run.id),
      async ({ job }) => {
        done.push(job);
        return outcome(job);
      },
      { concurrency: 2 },
    );
    expect(done.sort()).toEqual(["a_S_h2", "b_S_h1", "b_S_h2"]);
    expect(Run.open(runsDir, run.id).file.status).toBe("succeeded");
  });

  it("fits the next cell while one is judged, and never more than that", async () => {
    const states: string[] = [];
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    let [fitting, judging] = [0, 0];
    await runGrid(
      newRun(cells),
      async ({ job }, { fitted }) => {
        fitting += 1;
        states.push(`fit ${job}: ${fitting} fitted, ${judging} judged`);
        await turn();
        fitting -= 1;
        judging += 1;
        fitted();
        // Longer than the next fit: the one after that has to wait.
        for (let turns = 0; turns < 5; turns++) await turn();
        states.push(`judge ${job}: ${fitting} fitted, ${judging} judged`);
        judging -= 1;
        return outcome(job);
      },
      { concurrency: 1 },
    );
    expect(states).toEqual([
      "fit a_S_h1: 1 fitted, 0 judged",
      "fit a_S_h2: 1 fitted, 1 judged",
      "judge a_S_h1: 0 fitted, 2 judged",
      "fit b_S_h1: 1 fitted, 1 judged",
      "judge a_S_h2: 0 fitted, 2 judged",
      "fit b_S_h2: 1 fitted, 1 judged",
      "judge b_S_h1: 0 fitted, 2 judged",
      "judge b_S_h2: 0 fitted, 1 judged",
    ]);
  });

  it("keeps what is finished when it is aborted, and names the command that resumes", async () => {
    const run = newRun(cells);
    const abort = new AbortController();
    const running = runGrid(
      run,
      async ({ job }, { signal }) => {
        if (job === "a_S_h2") abort.abort();
        if (signal?.aborted) throw new FoldwiseError("interrupted.aborted", "Interrupted.");
        return outcome(job);
      },
      { concurrency: 1, signal: abort.signal },
    );
    await expect(running).rejects.toMatchObject({
      code: "interrupted.run",
      remedy: `Continue with: foldwise resume ${run.id} --runs ${runsDir}`,
    });
    expect(run.file.jobs.map((job) => job.status)).toEqual(["succeeded", "interrupted", "pending", "pending"]);
    expect(run.file.status).toBe("interrupted");
  });

  it("is cleaned up while nobody else may take the run over", async () => {
    const run = newRun(cells);
    let owned: unknown;
    const cleanUp = async () => {
      try {
        Run.open(runsDir, run.id).takeOver();
      } catch (error) {
        owned = error;
      }
    };
    await runGrid(run, async ({ job }) => outcome(job), { concurrency: 2, cleanUp });
    expect(owned).toMatchObject({ code: "usage.run_is_running" });
    Run.open(runsDir, run.id).takeOver();
  });

  it("has succeeded when it is aborted after its last cell", async () => {
    const run = newRun(cells);
    const abort = new AbortController();
    const last = cells.at(-1)?.job;
    const work = async ({ job }: GridCell) => {
      if (job === last) abort.abort();
      return outcome(job);
    };
    await runGrid(run, work, { concurrency: 1, signal: abort.signal });
    expect(run.file.status).toBe("succeeded");
  });

  it("waits for what is at work when a result cannot be written down, and lets go of the run", async () => {
    const run = newRun(cells);
    const states: string[] = [];
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const work = async ({ job }: GridCell) => {
      states.push(`${job} begins`);
      await turn();
      if (job === "a_S_h1") {
        rmSync(run.dir, { recursive: true });
        writeFileSync(run.dir, "no folder any more");
      } else for (let turns = 0; turns < 5; turns++) await turn();
      states.push(`${job} ends`);
      return outcome(job);
    };
    await expect(runGrid(run, work, { concurrency: 2 })).rejects.toMatchObject({ code: "io.write_failed" });
    expect(states).toEqual(["a_S_h1 begins", "a_S_h2 begins", "a_S_h1 ends", "a_S_h2 ends"]);
  });
});
