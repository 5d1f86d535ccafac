import type { ChildProcess } from "node:child_process";
import type { FoldwiseError } from "../../types/index.js";
import { endError, type FailureContext, failedError, interruptError } from "../errors.js";
import { type EngineEvent, type EngineRequest, type EngineResult, PROTOCOL_VERSION } from "../protocol.js";
import { type Channel, readOutput } from "./channel.js";
import { Deadline } from "./deadline.js";
import { describeJob } from "./describe.js";
import { holdOpen, launch, type WorkerCommand } from "./launch.js";
import { MemoryWatch } from "./memory.js";
import type {
  Answer,
  EndReason,
  JobHandlers,
  JobInterrupt,
  JobLog,
  RunningJob,
  WorkerJob,
  WorkerState,
} from "./state.js";
import { Tail } from "./tail.js";
import { killWithParent, terminate } from "./terminate.js";

export interface WorkerOptions {
  command: WorkerCommand;
  threads: number;
  /** Of the pool, this one included. */
  workers: number;
  startTimeoutMs: number;
  heartbeatTimeoutMs: number;
  /** How long a cancelled job may take to answer before its worker is ended. */
  cancelGraceMs: number;
  /** Between SIGTERM and SIGKILL. */
  killGraceMs: number;
  /** Null: there is none, or, from a function, none yet. */
  logFile: (() => string | null) | null;
  /** Everything the worker says or prints. */
  onLog: (pid: number | null, job: string | null, log: JobLog) => void;
}

/** How long the pipes of an exited worker may hold its last words back (a grandchild may keep them open for ever). */
const LAST_WORDS_MS = 500;

/** One worker process: started at once, one job at a time, supervised until it has gone. */
export class EngineWorker {
  /** Settled when the worker can take a job; rejects with the reason why it never can. */
  readonly ready: Promise<void>;
  /** Resolves when the process has gone. Never rejects. */
  readonly gone: Promise<void>;

  readonly #options: WorkerOptions;
  readonly #child: ChildProcess;
  readonly #channel: Channel;
  readonly #tail = new Tail();
  readonly #startDeadline: Deadline;
  readonly #heartbeat: Deadline;
  readonly #cancelDeadline: Deadline;
  #jobDeadline: Deadline | undefined;
  #state: WorkerState = { name: "starting" };
  #exited = false;
  readonly #memory = new MemoryWatch();
  #lastId = 0;
  /** Ids of cancel requests that await their answer. */
  readonly #cancels = new Set<string>();
  #isReady: () => void = () => {};
  #isNotReady: (error: unknown) => void = () => {};
  #isGone: () => void = () => {};

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.#isNotReady = reject;
    });
    // Whoever waits for `ready` gets its failure; a worker that nobody waits for any more may fail unheard.
    this.ready.catch(() => {});
    this.gone = new Promise((resolve) => {
      this.#isGone = resolve;
    });
    const { startTimeoutMs, heartbeatTimeoutMs, cancelGraceMs } = options;
    this.#startDeadline = new Deadline(startTimeoutMs, () => this.#end({ kind: "start_timeout", ms: startTimeoutMs }));
    this.#heartbeat = new Deadline(heartbeatTimeoutMs, () => this.#end({ kind: "hung", ms: heartbeatTimeoutMs }));
    this.#cancelDeadline = new Deadline(cancelGraceMs, () => this.#end({ kind: "ignored_cancel" }));
    this.#child = launch(options.command, options);
    this.#channel = readOutput(this.#child, {
      onEvent: (event) => this.#receive(event),
      onPrinted: (message) => this.#log({ level: "info", message }),
      onFault: (reason) => this.#end(reason),
    });
    this.#supervise();
  }

  get state(): WorkerState["name"] {
    return this.#state.name;
  }

  /** Whether `run` may be called. */
  get free(): boolean {
    return this.#state.name === "idle" && !this.#exited;
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Waits until the process has gone, and tells why. */
  async failure(): Promise<FoldwiseError> {
    await this.gone;
    if (this.#state.name !== "gone") throw new Error(`A worker that has gone is ${this.#state.name}.`);
    return endError(this.#state.reason, this.#context(null));
  }

  /** Sends one job to the free worker. Rejects with a typed error; then the worker may be free again, or ending. */
  run(job: WorkerJob, handlers: JobHandlers, label: string | null): Promise<EngineResult> {
    if (!this.free) throw new Error(`A job was given to a worker that is ${this.#state.name}.`);
    return new Promise((resolve, reject) => {
      const id = this.#nextId();
      const name = describeJob(job, label);
      this.#state = {
        name: "busy",
        running: { id, name, job, handlers, resolve, reject, interrupt: null, answer: null },
      };
      if (this.pid !== null) this.#memory.mark(this.pid);
      holdOpen(this.#child, true);
      if (handlers.timeoutMs !== null) {
        const ms = handlers.timeoutMs;
        this.#jobDeadline = new Deadline(ms, () => this.interrupt({ kind: "timeout", ms }));
        this.#jobDeadline.restart();
      }
      this.#send(requestOf(job, id, this.#options.threads));
    });
  }

  /** Asks the running job to stop; a worker that does not comply within the grace is ended. The first reason wins. */
  interrupt(why: JobInterrupt): void {
    if (this.#state.name !== "busy" || this.#state.running.interrupt !== null) return;
    const answered = this.#state.running.answer !== null;
    // An answer that is there comes before whoever wants none any more, but not before its owner's own error.
    if (answered && why.kind !== "listener") return;
    this.#state.running.interrupt = why;
    if (answered) return;
    const id = this.#nextId();
    this.#cancels.add(id);
    this.#cancelDeadline.restart();
    this.#send({ type: "cancel", id, job: this.#state.running.id });
  }

  /** Ends the worker: an idle one by `shutdown`, any other by signals. Resolves when the process has gone. */
  close(): Promise<void> {
    if (this.free) {
      this.#end({ kind: "closed" }, "politely");
      this.#send({ type: "shutdown", id: this.#nextId() });
      this.#child.stdin?.end();
    } else this.#end({ kind: "closed" });
    return this.gone;
  }

  #supervise(): void {
    this.#startDeadline.restart();
    if (this.#child.pid !== undefined) {
      killWithParent(this.#child);
      this.#memory.mark(this.#child.pid);
    }
    this.#child.on("error", (cause) => {
      if (this.#child.pid !== undefined) return;
      this.#end({ kind: "cannot_start", cause });
      this.#finish();
    });
    this.#child.on("exit", (code, signal) => {
      this.#exited = true;
      const oomKilled = this.#memory.oomKilled();
      const started = this.#state.name !== "starting";
      // What the worker said before it ended still counts, so its pipes are read to their end first.
      const conclude = (): void => {
        clearTimeout(patience);
        this.#end({ kind: "exited", code, signal, started, oomKilled });
        this.#finish();
      };
      const patience = setTimeout(conclude, LAST_WORDS_MS);
      this.#child.once("close", conclude);
    });
  }

  #receive(event: EngineEvent): void {
    if (this.#state.name === "ending" || this.#state.name === "gone") return;
    if (this.#state.name !== "starting") this.#heartbeat.restart();
    switch (event.type) {
      case "ready":
        this.#started(event.protocol);
        break;
      case "heartbeat":
        break;
      case "log":
        this.#log(event);
        break;
      case "progress":
        this.#progress(event);
        break;
      case "done":
      case "failed":
        this.#answer(event);
    }
  }

  #started(protocol: number): void {
    if (this.#state.name !== "starting") {
      this.#break("it said `ready` twice");
    } else if (protocol !== PROTOCOL_VERSION) {
      this.#break(`it speaks version ${protocol}, this Foldwise speaks ${PROTOCOL_VERSION}`);
    } else {
      this.#startDeadline.stop();
      this.#heartbeat.restart();
      this.#state = { name: "idle" };
      holdOpen(this.#child, false);
      this.#isReady();
    }
  }

  #progress({ id, step, total, metrics }: Extract<EngineEvent, { type: "progress" }>): void {
    const running = this.#runningJob(id);
    if (running === null) this.#break(`it sent progress of the unknown job ${JSON.stringify(id)}`);
    else if (running.interrupt === null) this.#tell(() => running.handlers.onProgress?.({ step, total, metrics }));
  }

  #answer(event: Answer): void {
    if (event.id !== null && this.#cancels.delete(event.id)) return;
    const running = event.id === null ? null : this.#runningJob(event.id);
    if (running === null) {
      const said = event.type === "failed" ? `: ${event.message}` : "";
      this.#break(`it answered the unknown request ${JSON.stringify(event.id)}${said}`);
    } else if (event.type === "done" && event.result.kind !== running.job.type) {
      this.#break(`it answered ${running.job.type} with a result of ${event.result.kind}`);
    } else {
      this.#cancelDeadline.stop();
      this.#jobDeadline?.stop();
      running.answer = event;
      this.#channel.whenAllIsTold(() => this.#settle());
    }
  }

  /** Passes the answer on, if there is one: what was printed before it has been told. */
  #settle(): void {
    if (this.#state.name !== "busy" || this.#state.running.answer === null) return;
    const { running } = this.#state;
    const event = this.#state.running.answer;
    this.#state = { name: "idle" };
    holdOpen(this.#child, false);
    // Whoever wrote an adapter needs it; nobody else wants to see it.
    if (event.type === "failed" && event.traceback !== null)
      this.#options.onLog(this.pid, running.name, { level: "error", message: event.traceback });
    if (running.interrupt !== null) running.reject(interruptError(running.interrupt, this.#context(running)));
    else if (event.type === "done") running.resolve(event.result);
    else running.reject(failedError(event, this.#context(running)));
  }

  #log({ level, message }: JobLog): void {
    this.#tail.push(message);
    const running = this.#state.name === "busy" ? this.#state.running : null;
    this.#options.onLog(this.pid, running?.name ?? null, { level, message });
    if (running?.handlers.onLog !== undefined) this.#tell(() => running.handlers.onLog?.({ level, message }));
  }

  /** Calls a listener of the job's owner; what it throws ends its job, not this process. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (cause) {
      this.interrupt({ kind: "listener", cause });
    }
  }

  #runningJob(id: string): RunningJob | null {
    if (this.#state.name !== "busy") return null;
    const { running } = this.#state;
    return running.id === id && running.answer === null ? running : null;
  }

  #break(why: string): void {
    this.#end({ kind: "protocol", why, line: null });
  }

  /** The race's one finishing line. */
  #end(reason: EndReason, manner: "politely" | "by signal" = "by signal"): void {
    this.#settle();
    if (this.#state.name === "ending" || this.#state.name === "gone") return;
    const running = this.#state.name === "busy" ? this.#state.running : null;
    this.#state = { name: "ending", reason, running };
    for (const deadline of [this.#startDeadline, this.#heartbeat, this.#cancelDeadline, this.#jobDeadline])
      deadline?.stop();
    if (this.#child.pid === undefined) return;
    // Its job, or one that waits for its place, is settled when it has gone.
    holdOpen(this.#child, true);
    const { killGraceMs } = this.#options;
    if (manner === "by signal") {
      terminate(this.#child, killGraceMs);
    } else {
      const patience = setTimeout(() => terminate(this.#child, killGraceMs), killGraceMs);
      this.#child.once("exit", () => clearTimeout(patience));
    }
  }

  /** The process has gone: only now is its job settled, so that nothing it does can meet a second attempt. */
  #finish(): void {
    if (this.#state.name !== "ending") return;
    const { reason, running } = this.#state;
    this.#state = { name: "gone", reason };
    const context = this.#context(running);
    this.#isGone();
    this.#isNotReady(endError(reason, context));
    if (running === null) return;
    running.reject(running.interrupt === null ? endError(reason, context) : interruptError(running.interrupt, context));
  }

  #context(running: RunningJob | null): FailureContext {
    const { logFile, workers } = this.#options;
    const memory = { limits: this.#memory.limits, workers, job: running?.job ?? null };
    return {
      job: running?.name ?? null,
      pid: this.pid,
      lastLines: this.#tail.lines(),
      logFile: logFile?.() ?? null,
      memory,
    };
  }

  #nextId(): string {
    return String(++this.#lastId);
  }

  #send(message: EngineRequest): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}

function requestOf(job: WorkerJob, id: string, threads: number): EngineRequest {
  switch (job.type) {
    case "fit":
    case "predict":
      return { ...job, id, threads };
    default:
      return { ...job, id };
  }
}
