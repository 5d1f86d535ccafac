import type { FitProgress } from "../../types/index.js";
import type { EngineEvent, EngineJob, EngineResult, HelloRequest } from "../protocol.js";

/** What a worker can be asked for: the callers' jobs and the pool's own question. */
export type WorkerJob = EngineJob | Omit<HelloRequest, "id">;

export interface JobLog {
  level: "debug" | "info" | "warning" | "error";
  message: string;
}

export interface JobHandlers {
  onProgress?: ((progress: FitProgress) => void) | undefined;
  onLog?: ((log: JobLog) => void) | undefined;
  /** From the moment the worker gets the job; null: no limit. */
  timeoutMs: number | null;
}

/** Why a process ended, or is being ended. The first reason wins; later ones are its consequences. */
export type EndReason =
  | {
      kind: "exited";
      code: number | null;
      signal: NodeJS.Signals | null;
      started: boolean;
      /** The kernel counted a process of the worker's control group that it killed for want of memory since its job began. */
      oomKilled: boolean;
    }
  | { kind: "cannot_start"; cause: Error }
  | { kind: "start_timeout"; ms: number }
  | { kind: "hung"; ms: number }
  | { kind: "flooded"; what: string }
  | { kind: "protocol"; why: string; line: string | null }
  | { kind: "ignored_cancel" }
  | { kind: "closed" };

/** Why a running job is to stop although its worker is well. */
export type JobInterrupt =
  | { kind: "aborted"; cause: unknown }
  | { kind: "timeout"; ms: number }
  /** The caller's own `onProgress` or `onLog` threw. */
  | { kind: "listener"; cause: unknown };

export type Answer = Extract<EngineEvent, { type: "done" | "failed" }>;

export interface RunningJob {
  id: string;
  /** As errors and logs call it. */
  name: string;
  job: WorkerJob;
  handlers: JobHandlers;
  resolve: (result: EngineResult) => void;
  reject: (error: unknown) => void;
  interrupt: JobInterrupt | null;
  /** Read, but not passed on before what was printed earlier has been told. */
  answer: Answer | null;
}

/**
 *   starting ──ready──▶ idle ──run──▶ busy
 *      │                 ▲ │            │
 *      │                 └─┼── settled ─┤
 *      └──────── any EndReason ─────────┴──▶ ending ──exit──▶ gone
 */
export type WorkerState =
  | { name: "starting" }
  | { name: "idle" }
  | { name: "busy"; running: RunningJob }
  | { name: "ending"; reason: EndReason; running: RunningJob | null }
  | { name: "gone"; reason: EndReason };
