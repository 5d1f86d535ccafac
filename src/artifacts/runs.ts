import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  appendLine,
  checkId,
  isAlive,
  makeFolder,
  pathUnder,
  readRegular,
  renameIfFree,
  temporaryName,
  writeFileAtomic,
} from "../files/index.js";
import { FoldwiseError } from "../types/index.js";
import { resumeCommand, runsFlag } from "./runCommands.js";
import { lockNewRun, lockOwner, lockRun, type RunLock, wasLocked } from "./runLock.js";
import { type RunFile, type RunJob, runFileSchema } from "./runSchema.js";
import { runsFolderExists } from "./runsFolder.js";

export interface NewRun {
  /** The runs folder, e.g. `experiments/runs`. */
  runsDir: string;
  /** Taken as it is, and refused when it exists; made from the clock when absent. */
  runId?: string;
  command: string;
  seed: number;
  versions: Record<string, string>;
  datasets: RunFile["datasets"];
  options: Record<string, unknown>;
  jobs: { job: string; model: string; symbol: string; horizon: number }[];
  /** Text of `config.yaml`. */
  config: string;
  now?: Date;
}

export interface DamagedRun {
  /** The folder's name. */
  id: string;
  reason: string;
}

/** A run's folder. Each change of `run.json` is written whole; a killed run is never half a file. */
export class Run {
  private constructor(
    readonly dir: string,
    /** The folder of all runs, as it was given. */
    readonly runsDir: string,
    private state: RunFile,
    private lock: RunLock | null = null,
  ) {}

  /**
   * Claims a new folder and its lock. `run.json` and `config.yaml` are written under a temporary name, and one rename makes it the run's:
   * a kill leaves a whole run or none, and of two processes that want a name one gets it.
   */
  static create(spec: NewRun): Run {
    const stamp = new Date().toISOString();
    const file = (runId: string): RunFile => ({
      format: 1,
      run_id: runId,
      status: "running",
      command: spec.command,
      created: stamp,
      updated: stamp,
      process: { pid: process.pid, host: hostname() },
      seed: spec.seed,
      versions: spec.versions,
      datasets: spec.datasets,
      options: spec.options,
      jobs: spec.jobs.map((job) => ({ ...job, ...NOT_DONE, status: "pending" })),
    });
    let lockAt: ReturnType<typeof lockNewRun> | undefined;
    const { dir, runId } = claim(spec, (temporary, runId) => {
      lockAt ??= lockNewRun(temporary);
      writeFileAtomic(join(temporary, "config.yaml"), spec.config);
      writeFileAtomic(join(temporary, RUN_FILE), encodeRunFile(file(runId)));
    });
    return new Run(dir, spec.runsDir, file(runId), lockAt?.(dir));
  }

  /** Opens an existing run; `usage.unknown_run` when there is none of that name. */
  static open(runsDir: string, runId: string): Run {
    const dir = pathUnder(runsDir, checkId(runId, "run id"));
    const file = join(dir, RUN_FILE);
    if (!runsFolderExists(runsDir) || !existsSync(file)) {
      throw new FoldwiseError("usage.unknown_run", `There is no run ${runId} in ${runsDir}.`, {
        remedy: `\`foldwise runs${runsFlag(runsDir)}\` lists them; --runs DIR names another folder.`,
      });
    }
    return new Run(dir, runsDir, parseRunFile(file));
  }

  /** Runs of a folder, oldest first; those whose `run.json` cannot be read are `damaged`. */
  static list(runsDir: string): Run[] {
    return Run.scan(runsDir).runs;
  }

  /** Folders whose `run.json` is damaged or of another version: their names, and what is wrong. */
  static damaged(runsDir: string): DamagedRun[] {
    return Run.scan(runsDir).damaged;
  }

  private static scan(runsDir: string): { runs: Run[]; damaged: DamagedRun[] } {
    const runs: Run[] = [];
    const damaged: DamagedRun[] = [];
    if (!runsFolderExists(runsDir)) return { runs, damaged };
    for (const entry of readdirSync(runsDir, { withFileTypes: true })) {
      const file = join(runsDir, entry.name, RUN_FILE);
      // A name that ends in .tmp is a run in the making, or what a kill left of one.
      if (!entry.isDirectory() || entry.name.endsWith(".tmp") || !existsSync(file)) continue;
      try {
        runs.push(new Run(join(runsDir, entry.name), runsDir, parseRunFile(file)));
      } catch (error) {
        if (!(error instanceof FoldwiseError)) throw error;
        damaged.push({ id: entry.name, reason: error.message });
      }
    }
    runs.sort((a, b) => (a.file.created < b.file.created ? -1 : 1));
    return { runs, damaged: damaged.sort((a, b) => (a.id < b.id ? -1 : 1)) };
  }

  get id(): string {
    return this.state.run_id;
  }

  get file(): Readonly<RunFile> {
    return this.state;
  }

  /** The command that goes on with it. */
  get resumeCommand(): string {
    return resumeCommand(this.id, this.runsDir);
  }

  /**
   * What the file says, but for a run that nobody works on any more because its process was killed: such a run, and its jobs
   * that were running, are interrupted.
   */
  get standing(): Readonly<RunFile> {
    if (this.state.status !== "running" || this.owner() !== null) return this.state;
    const jobs = this.state.jobs.map((job) =>
      job.status === "running" ? { ...job, status: "interrupted" as const } : job,
    );
    return { ...this.state, status: "interrupted", jobs };
  }

  /** The living process that works on the run. */
  private owner(): { pid: number } | null {
    if (wasLocked(this.dir)) return lockOwner(this.dir);
    const { process: owner } = this.state;
    return owner !== null && (owner.host !== hostname() || isAlive(owner.pid)) ? owner : null;
  }

  /** Configuration text that reproduces the run. */
  readConfig(): string {
    return readFileSync(join(this.dir, "config.yaml"), "utf8");
  }

  /**
   * Takes over a run that was killed or interrupted; `usage.run_is_running` while its process lives. Of two processes that try at the
   * same time one gets it. What the run's file says is read again, for another may have worked on it since it was opened.
   */
  takeOver(): void {
    const file = join(this.dir, RUN_FILE);
    const { status, process: owner } = parseRunFile(file);
    if (!wasLocked(this.dir) && status === "running" && owner?.host === hostname() && isAlive(owner.pid)) {
      throw isRunningStill(this.id, owner.pid);
    }
    const lock = lockRun(this.dir);
    if ("owner" in lock) throw isRunningStill(this.id, lock.owner.pid);
    try {
      this.state = parseRunFile(file);
      removeLeftovers(this.dir);
      this.lock = lock;
      this.update({ status: "running", process: { pid: process.pid, host: hostname() } });
    } catch (cause) {
      lock.release();
      this.lock = null;
      throw cause;
    }
  }

  /** Lets others take the run over; an update that names no process does so too. */
  release(): void {
    this.lock?.release();
    this.lock = null;
  }

  update(change: Partial<Pick<RunFile, "status" | "process" | "versions">>): void {
    this.state = { ...this.state, ...change };
    this.write();
    if (this.state.process === null) this.release();
  }

  updateJob(job: string, change: Partial<RunJob>): void {
    const jobs = this.state.jobs.map((entry) => (entry.job === job ? { ...entry, ...change } : entry));
    this.state = { ...this.state, jobs };
    this.write();
  }

  /** Appends a line to `events.ndjson`: what the progress display showed. */
  logEvent(event: object): void {
    appendLine(join(this.dir, "events.ndjson"), JSON.stringify({ at: new Date().toISOString(), ...event }));
  }

  private write(): void {
    this.state = { ...this.state, updated: new Date().toISOString() };
    writeFileAtomic(join(this.dir, RUN_FILE), encodeRunFile(this.state));
  }
}

function isRunningStill(run: string, pid: number): FoldwiseError {
  return new FoldwiseError("usage.run_is_running", `Run ${run} is still being worked on by process ${pid}.`, {
    remedy: `Wait for it, or stop it first: kill ${pid}`,
  });
}

const RUN_FILE = "run.json";

const encodeRunFile = (state: RunFile): string => `${JSON.stringify(runFileSchema.parse(state), null, 2)}\n`;

const NOT_DONE = { bundle: null, report: null, predictions: null, error: null, seconds: null };

function parseRunFile(file: string): RunFile {
  let raw: unknown;
  try {
    raw = JSON.parse(readRegular(file));
  } catch (cause) {
    throw new FoldwiseError("data.bad_run", `${file} is not JSON.`, { remedy: "Remove the run's folder.", cause });
  }
  const parsed = runFileSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new FoldwiseError(
    "data.bad_run",
    `${file} is not a run of this version: ${issue?.path.join(".")}: ${issue?.message}`,
    {
      remedy: "Remove the run's folder, or read it with the version that wrote it.",
    },
  );
}

/** `20260101_120000` (UTC), then `-2`, `-3` … when taken. */
function claim(
  { runsDir, runId: wanted, now = new Date() }: NewRun,
  fill: (temporary: string, runId: string) => void,
): { dir: string; runId: string } {
  const stamp = now.toISOString().replace(/[-:]/g, "").replace("T", "_").slice(0, 15);
  const base = wanted === undefined ? stamp : checkId(wanted, "run id");
  runsFolderExists(runsDir);
  makeFolder(runsDir);
  const temporary = temporaryName(pathUnder(runsDir, base));
  try {
    makeFolder(temporary);
    for (let attempt = 1; ; attempt += 1) {
      const runId = attempt === 1 ? base : `${base}-${attempt}`;
      const dir = pathUnder(runsDir, runId);
      fill(temporary, runId);
      if (renameIfFree(temporary, dir)) return { dir, runId };
      if (wanted !== undefined) {
        throw new FoldwiseError("usage.run_exists", `Run ${wanted} exists already in ${runsDir}.`, {
          remedy: `Choose another --run-id, or continue it: ${resumeCommand(wanted, runsDir)}`,
        });
      }
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Temporary files and work folders of a process that was killed. */
function removeLeftovers(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (/\.tmp(\.spill)?$/.test(entry.name) || entry.name === WORK_FOLDER)
      rmSync(path, { recursive: true, force: true });
    else if (entry.isDirectory()) removeLeftovers(path);
  }
}

/** Row files and fits in the making, inside the run's folder; removed when the run ends. */
export const WORK_FOLDER = ".work";
/** Sequence models keep their state in it after each epoch, so that a killed fit goes on. */
export const CHECKPOINTS_FOLDER = "checkpoints";
