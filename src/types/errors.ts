/** What kind of failure it is; it decides the process exit code. */
export type ErrorCategory =
  | "usage" // a wrong flag, an unknown name, an id that may not reach a path
  | "config" // YAML or --set that does not fit the schema
  | "data" // bars or datasets that break the contract
  | "model" // a model that is unknown, unavailable or cannot be registered
  | "bundle" // a bundle that is missing, damaged or does not fit the rows given
  | "engine" // a worker that failed, died, hung or flooded its output
  | "tuning" // a study that is corrupt, of another Optuna, or held by another process
  | "io" // disk full, no permission
  | "interrupted"; // Ctrl-C or an AbortSignal

/** A stable, documented identifier such as `data.duplicate_timestamp`. */
export type ErrorCode = `${ErrorCategory}.${string}`;

export interface FoldwiseErrorOptions {
  /** What the reader should do now, as an imperative sentence. */
  remedy?: string;
  /** Machine-readable facts: row, column, file, got, allowed … */
  details?: Record<string, unknown>;
  cause?: unknown;
}

const EXIT_CODES: Record<ErrorCategory, 1 | 2 | 130> = {
  usage: 2,
  config: 2,
  data: 2,
  model: 2,
  bundle: 2,
  engine: 1,
  tuning: 2,
  io: 1,
  interrupted: 130,
};

/** The one error type of the public interface: what was got, what is allowed, what to do. */
export class FoldwiseError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: FoldwiseErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FoldwiseError";
    this.code = code;
    this.remedy = options.remedy;
    this.details = options.details ?? {};
  }

  get category(): ErrorCategory {
    return this.code.slice(0, this.code.indexOf(".")) as ErrorCategory;
  }

  /** 1 a job failed, 2 bad usage, configuration or data, 130 interrupted. */
  get exitCode(): 1 | 2 | 130 {
    return EXIT_CODES[this.category];
  }

  toJSON(): { code: ErrorCode; message: string; remedy?: string; details: Record<string, unknown> } {
    return {
      code: this.code,
      message: this.message,
      ...(this.remedy === undefined ? {} : { remedy: this.remedy }),
      details: this.details,
    };
  }
}

/** Throws `interrupted.aborted` when the signal has fired; call it between units of work. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new FoldwiseError("interrupted.aborted", "Interrupted.", {
      remedy: "Call it again to start over; nothing half-written is left.",
      cause: signal.reason,
    });
  }
}
