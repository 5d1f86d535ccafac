import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { findPython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { seededRandom } from "../../src/types/index.js";
import { HORIZON, SYMBOL } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { SEED } from "../lib/fits.js";
import { familyOf } from "../lib/memory.js";
import { Reference } from "../lib/reference.js";
import { FOLDS, MODEL, sizeOf, type TuneData, tuneData } from "./data.js";

const TRIALS = 20;
const KILLS = 4;

const trial = z.object({
  state: z.string(),
  slot: z.number().nullable(),
  value: z.number().nullable(),
  params: z.record(z.string(), z.unknown()),
});
type Trial = z.infer<typeof trial>;

/** A study that is killed four times and gone on with, beside one that is not; each in processes of its own, one worker. */
export async function killFigures(options: { small: boolean; rows: number }): Promise<Figure[]> {
  const { rows } = sizeOf(options);
  const data = await tuneData(rows);
  const whole = await unbroken(data);
  const broken = await killed(data, whole.seconds);
  const finished = ({ state }: Trial) => state === "COMPLETE" || state === "PRUNED";
  const slots = broken.trials.filter(finished).map(({ slot }) => slot);
  const twice = slots.length - new Set(slots).size;
  const [best, other] = [bestOf(broken.trials), bestOf(whole.trials)];
  const same = best.value === other.value && JSON.stringify(best.params) === JSON.stringify(other.params);
  const alike = TRIALS - differing(broken.trials.filter(finished), whole.trials.filter(finished));
  return [
    {
      figure: `${KILLS} kills (SIGKILL, all processes) at ${broken.moments.map((each) => each.toFixed(1)).join(", ")} s of each call, resumed each time: trials finished, ${rows} rows`,
      ours: `${slots.length} finished, ${twice} twice; ${broken.trials.filter(({ state }) => state === "FAIL").length} lost and done again`,
      reference: `${whole.trials.filter(finished).length} unbroken`,
      measured: `${slots.length} of ${TRIALS}, ${alike} as in the unbroken study`,
      target: `${TRIALS}, none twice`,
      met: slots.length === TRIALS && twice === 0,
    },
    {
      figure: "best trial after the kills",
      ours: `${best.value} in trial ${best.slot}`,
      reference: `${other.value} in trial ${other.slot} unbroken`,
      measured: same ? "the same parameters and value" : "OTHERS",
      target: "the same",
      met: same,
    },
  ];
}

interface Ended {
  seconds: number;
  trials: Trial[];
}

async function unbroken(data: TuneData): Promise<Ended> {
  const start = performance.now();
  await succeeded(begin(data, tuneArgs(data, "whole")));
  return { seconds: (performance.now() - start) / 1000, trials: await readStudy(data, "whole") };
}

/** Each kill falls uniformly into a sixth of the unbroken call's time from the first trial on, so that all four meet a search at work. */
async function killed(data: TuneData, wholeSeconds: number): Promise<{ trials: Trial[]; moments: number[] }> {
  const random = seededRandom(SEED);
  const moments: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const call = begin(data, kill === 0 ? tuneArgs(data, "killed") : resumeArgs(data));
    await call.searching;
    const moment = random.next() * (wholeSeconds / (KILLS + 2));
    await setTimeout(1000 * moment);
    // Workers have process groups of their own.
    for (const pid of familyOf(call.pid)) process.kill(pid, "SIGKILL");
    await call.ended;
    moments.push(moment);
    console.error(`  killed ${moment.toFixed(1)} s after it had asked for its first trial`);
  }
  await succeeded(begin(data, resumeArgs(data)));
  return { trials: await readStudy(data, "killed"), moments };
}

interface Call {
  pid: number;
  /** Settles when the search begins, or the command ends before. */
  searching: Promise<unknown>;
  ended: Promise<{ code: number | null; said: string }>;
}

/** The built command, with a process group of its own. */
function begin(data: TuneData, args: readonly string[]): Call {
  mkdirSync(data.cwd, { recursive: true });
  const child = spawn(process.execPath, [join(packageRoot(), "bin", "foldwise"), ...args, "--json"], {
    cwd: data.cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FOLDWISE_PYTHON: findPython().python },
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(-4000);
  });
  const events = createInterface({ input: child.stdout });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, said }));
  const begun = new Promise<void>((resolve) => {
    events.on("line", (line) => {
      if (line.includes('"stage":"trials"')) resolve();
    });
  });
  return { pid: child.pid!, searching: Promise.race([begun, ended]), ended };
}

async function succeeded({ ended }: Call): Promise<void> {
  const { code, said } = await ended;
  if (code !== 0) throw new Error(`foldwise ended with ${code}:\n${said}`);
}

const studiesOf = ({ cwd }: TuneData, name: string): string => join(cwd, "experiments", `studies-${name}`);

const tuneArgs = (data: TuneData, name: string): string[] => [
  ...["tune", "--model", MODEL, "--symbol", SYMBOL, "--horizon", String(HORIZON), "--trials", String(TRIALS)],
  ...["--folds", String(FOLDS), "--workers", "1", "--seed", String(SEED), "--data", data.data, "--store", data.store],
  ...["--studies", studiesOf(data, name), "--runs", data.runsDir, "--run-id", name],
];

const resumeArgs = (data: TuneData): string[] => ["resume", "killed", "--runs", data.runsDir];

/** By Optuna itself. */
async function readStudy(data: TuneData, name: string): Promise<Trial[]> {
  const study = `${MODEL}_${SYMBOL}_h${HORIZON}`;
  const reference = await Reference.start("read_study.py");
  try {
    const told = await reference.run({ file: join(studiesOf(data, name), `${study}.db`), study });
    return z.array(trial).parse(told.trials);
  } finally {
    await reference.close();
  }
}

function bestOf(trials: readonly Trial[]): Trial {
  const complete = trials.filter(({ value }) => value !== null);
  return complete.reduce((best, each) => (each.value! < best.value! ? each : best));
}

/** How many slots have other parameters, another state or another value. */
function differing(first: readonly Trial[], second: readonly Trial[]): number {
  return second.filter((each) => {
    const other = first.find(({ slot }) => slot === each.slot);
    return JSON.stringify(other) !== JSON.stringify(each);
  }).length;
}
