import { FoldwiseError } from "../types/index.js";
import { allocationLimit, type MemoryContext, memoryRemedy, speaksOfMemory, systemLimit } from "./memoryErrors.js";
import type { EngineEvent } from "./protocol.js";
import type { EndReason, JobInterrupt } from "./worker/state.js";

/** What every engine failure tells besides its reason. */
export interface FailureContext {
  /** `fit of xgboost, horizon 20 (xgboost_MES_h20)`; null while no job was running. */
  job: string | null;
  pid: number | null;
  /** The worker's last output, oldest first. */
  lastLines: readonly string[];
  logFile: string | null;
  memory: MemoryContext;
}

export const INSTALL_REMEDY = "Run `foldwise doctor --install` to make the engine environment.";
const DOCTOR_REMEDY = "Run `foldwise doctor` to see what is missing or broken, and the command that mends it.";
const QUOTED_LINES = 5;

/** The job's failure when its process ended. */
export function endError(reason: EndReason, context: FailureContext): FoldwiseError {
  const worker = `The engine worker${context.pid === null ? "" : ` (process ${context.pid})`}`;
  const during = context.job === null ? "" : ` during ${context.job}`;
  const make = (code: `engine.${string}` | "interrupted.aborted", text: string, remedy: string, more = {}) =>
    failure(code, text, remedy, context, more);
  const seconds = (ms: number): string => `${ms / 1000} s`;
  switch (reason.kind) {
    case "exited":
      return exitError(reason, worker, during, context);
    case "cannot_start":
      return failure(
        isMissingFile(reason.cause) ? "engine.not_installed" : "engine.start_failed",
        `The engine worker could not be started: ${reason.cause.message}.`,
        INSTALL_REMEDY,
        context,
        {},
        reason.cause,
      );
    case "start_timeout":
      return make("engine.start_failed", `${worker} was not ready after ${seconds(reason.ms)}.`, DOCTOR_REMEDY);
    case "hung":
      return make(
        "engine.hung",
        `${worker} sent no sign of life for ${seconds(reason.ms)}${during} and was killed.`,
        "Try again; if it hangs again, the machine may be short of memory: use fewer --workers.",
      );
    case "flooded":
      return make(
        "engine.flooded",
        `${worker} flooded its output${during} (${reason.what}) and was killed.`,
        "A library or plug-in adapter prints without end: look at the worker's log.",
      );
    case "protocol":
      return make(
        "engine.protocol",
        `${worker} broke the engine protocol${during}: ${reason.why}.${reason.line === null ? "" : ` It sent: ${reason.line}`}`,
        "The Python engine and this version of Foldwise do not fit together, or an adapter misbehaves. Run `foldwise doctor`.",
        { line: reason.line },
      );
    case "ignored_cancel":
    case "closed":
      return make(
        "interrupted.aborted",
        `Interrupted${during}: the engine pool was closed.`,
        "Start the job again, or use `foldwise resume`.",
      );
  }
}

function exitError(
  reason: Extract<EndReason, { kind: "exited" }>,
  worker: string,
  during: string,
  context: FailureContext,
): FoldwiseError {
  const how = reason.signal === null ? `exit code ${reason.code}` : reason.signal;
  const facts = { signal: reason.signal, exitCode: reason.code };
  if (reason.signal === "SIGINT")
    return failure("interrupted.aborted", `Interrupted${during}.`, "Use `foldwise resume`.", context, facts);
  const starved = starvation(reason, context);
  if (starved !== null)
    return failure(
      "engine.out_of_memory",
      `${worker} ${starved}${during}. ${reason.signal === "SIGKILL" ? systemLimit(context.memory) : allocationLimit(context.memory)}`,
      memoryRemedy(context.memory),
      context,
      facts,
    );
  if (!reason.started && reason.signal === null) {
    const missing = context.lastLines.some((line) => /No module named '?"?foldwise_engine/.test(line));
    return missing || context.lastLines.some((line) => line.startsWith("ModuleNotFoundError"))
      ? failure("engine.not_installed", `The engine is not installed (${how}).`, INSTALL_REMEDY, context, facts)
      : failure("engine.start_failed", `${worker} ended before it was ready (${how}).`, DOCTOR_REMEDY, context, facts);
  }
  return failure("engine.worker_died", `${worker} died (${how})${during}.`, DOCTOR_REMEDY, context, facts);
}

/** How the worker died of want of memory, surely or probably; null: of something else. */
function starvation(
  { signal, code, oomKilled }: Extract<EndReason, { kind: "exited" }>,
  { lastLines, memory }: FailureContext,
): string | null {
  if (signal === "SIGKILL")
    return oomKilled
      ? "was killed by the kernel because its memory ran out (SIGKILL)"
      : "was killed from outside (SIGKILL), probably by the system because memory ran out,";
  const how = signal ?? `exit code ${code}`;
  if (speaksOfMemory(lastLines)) return `ran out of memory and died (${how})`;
  // Native code that got no memory crashes in its own ways; without a limit of its own a process seldom meets one.
  return signal !== null && NATIVE_CRASHES.has(signal) && memory.limits.process !== null
    ? `died (${signal}), probably because it got no more memory,`
    : null;
}

const NATIVE_CRASHES: ReadonlySet<NodeJS.Signals> = new Set(["SIGSEGV", "SIGABRT", "SIGBUS"]);

/** The job's failure when it was stopped although its worker was well. A listener's own error is passed on as it is. */
export function interruptError(interrupt: JobInterrupt, context: FailureContext): unknown {
  const what = context.job ?? "the job";
  switch (interrupt.kind) {
    case "aborted":
      return abortError(context.job, interrupt.cause);
    case "timeout":
      return failure(
        "engine.timeout",
        `${capital(what)} took longer than ${interrupt.ms / 1000} s and was stopped.`,
        "Allow more time, or give it less data or fewer rounds.",
        context,
      );
    case "listener":
      return interrupt.cause;
  }
}

export function abortError(job: string | null, cause: unknown): FoldwiseError {
  return new FoldwiseError("interrupted.aborted", job === null ? "Interrupted." : `Interrupted during ${job}.`, {
    remedy: "What was finished is kept; `foldwise resume` goes on from there.",
    cause,
  });
}

/** What the worker itself reported by a `failed` event. */
export function failedError(event: Extract<EngineEvent, { type: "failed" }>, context: FailureContext): FoldwiseError {
  const text = `${event.message}${context.job === null ? "" : ` (${context.job})`}`;
  // A remedy of the worker's own means memory of another kind: a GPU's.
  const starved = event.code === "out_of_memory" && event.remedy === null;
  const remedy =
    event.remedy ?? (starved ? memoryRemedy(context.memory) : FAILED_REMEDIES[event.code]) ?? DOCTOR_REMEDY;
  return failure(
    failedCode(event.code),
    starved ? `${text}. ${allocationLimit(context.memory)}` : text,
    remedy,
    { ...context, lastLines: [] },
    { traceback: event.traceback },
  );
}

/** The worker's refusals of what the user wrote are the user's kind of error (exit code 2), the rest are the engine's. */
function failedCode(code: string): FoldwiseError["code"] {
  switch (code) {
    case "bad_parameter":
      return "config.engine_parameter";
    case "bad_data":
      return "data.engine_refused";
    case "engine_missing":
      return "engine.not_installed";
    case "bad_request":
      return "engine.protocol";
    case "out_of_memory":
      return "engine.out_of_memory";
    case "bad_study":
    case "other_optuna":
    case "study_locked":
      return `tuning.${code}`;
    default:
      return `engine.failed.${code}`;
  }
}

const FAILED_REMEDIES: Record<string, string> = {
  bad_parameter: "Correct the model's `model_params` or `training`.",
  bad_data: "Correct the data; `foldwise prepare` shows what it holds.",
  engine_missing: INSTALL_REMEDY,
  device: "Use `--device cpu`.",
  bad_study: "Move the study's file aside and tune anew.",
  other_optuna: "Move the study's file aside and tune anew, or upgrade it with `optuna storage upgrade`.",
  study_locked: "Wait until the other process has ended its step, or end it.",
};

function failure(
  code: FoldwiseError["code"],
  text: string,
  remedy: string,
  context: FailureContext,
  more: Record<string, unknown> = {},
  cause?: unknown,
): FoldwiseError {
  const quoted = context.lastLines.slice(-QUOTED_LINES);
  const output = quoted.length === 0 ? "" : `\nIts last output:\n${quoted.map((line) => `  ${line}`).join("\n")}`;
  const where = context.logFile === null ? "" : ` The worker's log is ${context.logFile}.`;
  return new FoldwiseError(code, text + output, {
    remedy: remedy + where,
    details: { job: context.job, pid: context.pid, lastLines: context.lastLines, ...more },
    ...(cause === undefined ? {} : { cause }),
  });
}

function isMissingFile(cause: Error): boolean {
  return "code" in cause && (cause.code === "ENOENT" || cause.code === "EACCES");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
