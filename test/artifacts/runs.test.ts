import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  countOpenings,
  type NewRun,
  openingsOf,
  openingsOfOthers,
  Run,
  recordOpening,
} from "../../src/artifacts/index.js";
import { ownMark } from "../../src/files/index.js";

let runsDir: string;
beforeEach(() => {
  runsDir = mkdtempSync(join(tmpdir(), "foldwise-runs-"));
});
afterEach(() => rmSync(runsDir, { recursive: true, force: true }));

const spec = (more: Partial<NewRun> = {}): NewRun => ({
  runsDir,
  command: "foldwise train --model xgboost",
  seed: 7,
  versions: { foldwise: "0.1.0" },
  datasets: {},
  options: {},
  jobs: [{ job: "xgboost_MES_h20", model: "xgboost", symbol: "MES", horizon: 20 }],
  config: "seed: 7\n",
  now: new Date("2026-01-01T12:00:00Z"),
  ...more,
});

describe("a run's folder", () => {
  it("is named by the UTC time, and by -2, -3 when that is taken", () => {
    expect([Run.create(spec()).id, Run.create(spec()).id, Run.create(spec()).id]).toEqual([
      "20260101_120000",
      "20260101_120000-2",
      "20260101_120000-3",
    ]);
  });

  it("takes an explicit id once and refuses it the second time", () => {
    expect(Run.create(spec({ runId: "mine" })).id).toBe("mine");
    expect(() => Run.create(spec({ runId: "mine" }))).toThrow(expect.objectContaining({ code: "usage.run_exists" }));
  });

  it.each(["../../x", ".hidden", "a/b", "", "a".repeat(65)])("refuses the id %j before it reaches a path", (runId) => {
    expect(() => Run.create(spec({ runId }))).toThrow(expect.objectContaining({ code: "usage.bad_id" }));
  });

  it("is read back as it was written, job by job", () => {
    const run = Run.create(spec());
    run.updateJob("xgboost_MES_h20", { status: "succeeded", bundle: "models/xgboost_MES_h20", seconds: 1.5 });
    const again = Run.open(runsDir, run.id);
    expect(again.file).toEqual(run.file);
    expect(again.file.jobs[0]).toMatchObject({ status: "succeeded", bundle: "models/xgboost_MES_h20", seconds: 1.5 });
    expect(again.readConfig()).toBe("seed: 7\n");
  });

  it("names a run that is not there", () => {
    expect(() => Run.open(runsDir, "nothing")).toThrow(expect.objectContaining({ code: "usage.unknown_run" }));
  });

  it("is left out of the list when its run.json is damaged, and named among the damaged", () => {
    const whole = Run.create(spec());
    const damaged = Run.create(spec());
    writeFileSync(join(damaged.dir, "run.json"), readFileSync(join(damaged.dir, "run.json"), "utf8").slice(0, 80));
    expect(Run.list(runsDir).map((run) => run.id)).toEqual([whole.id]);
    expect(Run.damaged(runsDir)).toEqual([{ id: damaged.id, reason: expect.stringMatching(/is not JSON/) }]);
  });

  it("without a job is damaged", () => {
    const run = Run.create(spec());
    writeFileSync(join(run.dir, "run.json"), JSON.stringify({ ...run.file, jobs: [] }));
    expect(() => Run.open(runsDir, run.id)).toThrow(
      expect.objectContaining({
        code: "data.bad_run",
        message: expect.stringMatching(/jobs: a run has at least one job/),
      }),
    );
  });

  it("cannot lie in a file, nor below one", () => {
    const file = join(runsDir, "bars.csv");
    writeFileSync(file, "");
    const refusal = expect.objectContaining({ code: "usage.runs_folder", exitCode: 2 });
    for (const runs of [file, join(file, "runs")]) {
      expect(() => Run.list(runs)).toThrow(refusal);
      expect(() => Run.open(runs, "any")).toThrow(refusal);
      expect(() => Run.create(spec({ runsDir: runs }))).toThrow(refusal);
    }
  });

  it("has its folder in the commands that messages name", () => {
    const run = Run.create(spec({ runId: "mine" }));
    const again = expect.objectContaining({
      remedy: expect.stringContaining(`foldwise resume mine --runs ${runsDir}`),
    });
    expect(() => Run.create(spec({ runId: "mine" }))).toThrow(again);
    expect(run.resumeCommand).toBe(`foldwise resume mine --runs ${runsDir}`);
    const list = expect.objectContaining({ remedy: expect.stringContaining(`foldwise runs --runs ${runsDir}`) });
    expect(() => Run.open(runsDir, "other")).toThrow(list);
  });

  it("is not taken over while its process lives, and is once it has died; leftovers go", () => {
    const run = Run.create(spec());
    expect(() => Run.open(runsDir, run.id).takeOver()).toThrow(
      expect.objectContaining({ code: "usage.run_is_running" }),
    );
    writeFileSync(join(run.dir, "lock.1", "owner.json"), JSON.stringify({ ...ownMark(), pid: 2 ** 22 + 1 }));
    mkdirSync(join(run.dir, ".work"));
    writeFileSync(join(run.dir, "half.json.123.tmp"), "{");
    mkdirSync(join(run.dir, "models", "xgboost_MES_h20.1.abcd.tmp"), { recursive: true });
    Run.open(runsDir, run.id).takeOver();
    expect(readdirSync(join(run.dir, "models"))).toEqual([]);
    expect(existsSync(join(run.dir, ".work"))).toBe(false);
    expect(existsSync(join(run.dir, "half.json.123.tmp"))).toBe(false);
  });
});

describe("a run's lock", () => {
  const owner = (run: Run, number: number): string => join(run.dir, `lock.${number}`, "owner.json");
  it("is given up with the run, so that the same process may take it over", () => {
    const run = Run.create(spec());
    run.update({ status: "interrupted", process: null });
    Run.open(runsDir, run.id).takeOver();
    expect(() => Run.open(runsDir, run.id).takeOver()).toThrow(
      expect.objectContaining({ code: "usage.run_is_running", message: expect.stringContaining(String(process.pid)) }),
    );
  });

  it("is stale when another process was given its owner's number", () => {
    const run = Run.create(spec());
    writeFileSync(owner(run, 1), JSON.stringify({ ...ownMark(), started: "1" }));
    Run.open(runsDir, run.id).takeOver();
    expect(existsSync(owner(run, 2))).toBe(true);
    expect(existsSync(owner(run, 1))).toBe(false);
  });

  it("protects what another process wrote since the run was opened", () => {
    const run = Run.create(spec());
    const early = Run.open(runsDir, run.id);
    run.updateJob("xgboost_MES_h20", { status: "succeeded" });
    run.update({ status: "succeeded", process: null });
    early.takeOver();
    expect(early.file.jobs[0]?.status).toBe("succeeded");
  });

  it("tells whether a run that is marked as running still is", () => {
    const run = Run.create(spec());
    run.updateJob("xgboost_MES_h20", { status: "running" });
    const standing = () => Run.open(runsDir, run.id).standing;
    expect(standing()).toMatchObject({ status: "running", jobs: [{ status: "running" }] });
    writeFileSync(owner(run, 1), JSON.stringify({ ...ownMark(), pid: 2 ** 22 + 1 }));
    expect(standing()).toMatchObject({ status: "interrupted", jobs: [{ status: "interrupted" }] });
    // Nothing can be known of another machine's processes.
    writeFileSync(owner(run, 1), JSON.stringify({ ...ownMark(), pid: 2 ** 22 + 1, host: "another" }));
    expect(standing().status).toBe("running");
    expect(Run.open(runsDir, run.id).file.status).toBe("running");
  });

  it("that was released leaves its run interrupted, and a finished run as it is", () => {
    const run = Run.create(spec());
    run.release();
    expect(Run.open(runsDir, run.id).standing.status).toBe("interrupted");
    run.update({ status: "failed", process: null });
    expect(Run.open(runsDir, run.id).standing.status).toBe("failed");
  });

  it("of a run of an early version, which had none, is its process", () => {
    const run = Run.create(spec());
    rmSync(join(run.dir, "lock.1"), { recursive: true });
    expect(run.standing.status).toBe("running");
    expect(() => Run.open(runsDir, run.id).takeOver()).toThrow(
      expect.objectContaining({ code: "usage.run_is_running" }),
    );
  });
});

describe("test openings", () => {
  const opening = { symbol: "MES", from: 100, to: 200, configuration: "a", job: "j" };

  it("are counted for one symbol and an overlapping time range", () => {
    const all = [
      opening,
      { ...opening, configuration: "b" },
      { ...opening, from: 200, to: 300 },
      { ...opening, from: 201, to: 300, configuration: "later" },
      { ...opening, symbol: "MGC", configuration: "other" },
    ];
    expect(countOpenings(all, opening)).toEqual({ opened: 3, configurations: 2 });
  });

  it("are read of one run, and of all others of the folder", () => {
    const runs = [Run.create(spec()), Run.create(spec()), Run.create(spec())];
    for (const [i, run] of runs.entries()) recordOpening(run.dir, { ...opening, job: `${i}` });
    expect(openingsOf(runs[1]!.dir).map(({ job }) => job)).toEqual(["1"]);
    expect(openingsOfOthers(runs[1]!).map(({ job }) => job)).toEqual(["0", "2"]);
  });

  it("survive a last line that a kill cut short", () => {
    const run = Run.create(spec());
    recordOpening(run.dir, opening);
    writeFileSync(join(run.dir, "openings.ndjson"), `${JSON.stringify(opening)}\n{"symbol":"ME`);
    expect(openingsOf(run.dir)).toEqual([opening]);
  });

  it("that stand in a folder are refused in words", () => {
    const [run, other] = [Run.create(spec()), Run.create(spec())];
    mkdirSync(join(run.dir, "openings.ndjson"));
    expect(() => openingsOfOthers(other)).toThrow(
      expect.objectContaining({
        code: "data.bad_openings",
        message: expect.stringMatching(/openings\.ndjson is a folder/),
      }),
    );
  });

  it("are none where there is no runs folder", () => {
    expect(openingsOfOthers({ runsDir: join(runsDir, "absent"), dir: "any" })).toEqual([]);
  });
});
