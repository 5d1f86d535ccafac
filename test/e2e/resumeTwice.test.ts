/** Processes that resume one run at the same moment: one gets it, whatever the state it was left in. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { ownMark } from "../../src/files/index.js";
import { ROOT } from "./cli.js";

/** Says that it is ready, takes the run over when told to, says how that went, and stays until it is told to go. */
const RESUME = `
  import { Run } from ${JSON.stringify(join(ROOT, "dist", "artifacts", "index.js"))};
  process.stdin.once("data", () => {
    try { Run.open(process.argv[1], process.argv[2]).takeOver(); console.log("taken"); }
    catch (error) { console.log(error.code ?? error.stack); }
    process.stdin.once("data", () => process.exit());
  });
  console.log("ready");
`;

let runsDir: string;
let children: ChildProcess[];
beforeAll(() => {
  runsDir = mkdtempSync(join(tmpdir(), "foldwise-resume-"));
});
afterAll(() => {
  for (const child of children) child.kill();
  rmSync(runsDir, { recursive: true, force: true });
});

function newRun(runId: string): Run {
  const jobs = [{ job: "a_S_h1", model: "a", symbol: "S", horizon: 1 }];
  return Run.create({
    runsDir,
    runId,
    command: "",
    seed: 7,
    versions: {},
    datasets: {},
    options: {},
    jobs,
    config: "",
  });
}

const nextLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.stdout?.once("data", (text) => resolve(String(text).trim())));

describe("a run that several processes resume at the same moment", () => {
  it.each([
    ["interrupted", (run: Run) => run.update({ status: "interrupted", process: null })],
    [
      "killed",
      (run: Run) => {
        const dead = { ...ownMark(), pid: 2 ** 22 + 1 };
        writeFileSync(join(run.dir, "lock.1", "owner.json"), JSON.stringify(dead));
      },
    ],
  ])("goes to one of them when it was %s", async (id, leave) => {
    leave(newRun(id));
    const args = ["--input-type=module", "--eval", RESUME, runsDir, id];
    children = Array.from({ length: 4 }, () => spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] }));
    expect(await Promise.all(children.map(nextLine))).toEqual(Array(4).fill("ready"));
    const answers = children.map(nextLine);
    for (const child of children) child.stdin?.write("go\n");
    expect((await Promise.all(answers)).sort()).toEqual(["taken", ...Array(3).fill("usage.run_is_running")]);
    for (const child of children) child.stdin?.write("go\n");
  });
});
