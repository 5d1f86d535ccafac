import type { MultiBar, SingleBar } from "cli-progress";
import { toFoldwiseError } from "../files/index.js";
import type { OnEvent, ProgressEvent } from "../types/index.js";

export interface OutputOptions {
  /** NDJSON events on stdout instead of text. */
  json: boolean;
  /** No progress on stderr. */
  quiet: boolean;
  /** Stack traces with errors. */
  verbose: boolean;
}

type TrialEvent = Extract<ProgressEvent, { event: "trial" }>;

const PLAIN_INTERVAL_MS = 2000;

/** With progress bars where somebody sees them: on a terminal. */
export async function openOutput(options: OutputOptions): Promise<Output> {
  const hasBars = process.stderr.isTTY && !options.json && !options.quiet;
  return new Output(options, hasBars ? (await import("cli-progress")).MultiBar : null);
}

/** Everything a command says: results to stdout, progress and errors to stderr. */
export class Output {
  private bars: MultiBar | undefined;
  private readonly barOf = new Map<string, SingleBar>();
  private readonly lastLine = new Map<string, number>();
  private readonly started = new Map<string, number>();
  private readonly stageOf = new Map<string, string>();

  constructor(
    readonly options: OutputOptions,
    /** Null: progress in plain lines. */
    private readonly Bars: typeof MultiBar | null,
  ) {}

  /** Progress: bars with ETA on a terminal, plain lines in a pipe, NDJSON with `--json`. */
  readonly event: OnEvent = (event) => {
    if (this.options.json) {
      process.stdout.write(`${JSON.stringify(event)}\n`);
      return;
    }
    if (this.options.quiet) return;
    if (event.event === "progress") this.progress(event);
    else this.line(describe(event), event.event === "job_finished" || event.event === "stage" ? event.job : undefined);
  };

  /** A result for people; silent with `--json`, where `result` speaks. */
  print(text: string): void {
    if (!this.options.json) process.stdout.write(`${text}\n`);
  }

  /** The last line of `--json`. */
  result(value: object): void {
    if (this.options.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** Says what went wrong and what to do; returns the exit code. */
  error(error: unknown): number {
    this.close();
    const known = toFoldwiseError(error);
    if (this.options.json) {
      process.stdout.write(`${JSON.stringify({ event: "finished", status: "failed", error: known.toJSON() })}\n`);
    }
    this.failure(known.message, known.remedy);
    if (this.options.verbose) process.stderr.write(`${stackOf(error)}\n`);
    return known.exitCode;
  }

  /** The two lines of a failure: what was got, and what to do. */
  failure(message: string, remedy: string | null | undefined): void {
    process.stderr.write(printable(`error: ${message}\n${remedy == null ? "" : `  ${remedy}\n`}`));
  }

  close(): void {
    this.bars?.stop();
    this.bars = undefined;
    this.barOf.clear();
  }

  private line(text: string, job?: string): void {
    if (job !== undefined) this.removeBar(job);
    if (this.bars === undefined) process.stderr.write(`${printable(text)}\n`);
    else this.bars.log(`${printable(text)}\n`);
  }

  private progress(event: Extract<ProgressEvent, { event: "progress" }>): void {
    const key = event.job ?? event.stage;
    const now = Date.now();
    // Another stage of the job has a clock of its own.
    const stage = `${event.stage} ${event.total}`;
    if (event.step === 0 || this.stageOf.get(key) !== stage) this.started.set(key, now);
    this.stageOf.set(key, stage);
    if (this.Bars !== null) {
      this.bar(this.Bars, key, event.total).update(event.step, { metrics: metricsText(event.metrics) });
      if (event.step >= event.total) this.removeBar(key);
      return;
    }
    if (now - (this.lastLine.get(key) ?? this.started.get(key) ?? now) < PLAIN_INTERVAL_MS) return;
    this.lastLine.set(key, now);
    const elapsed = (now - (this.started.get(key) ?? now)) / 1000;
    const eta = event.step > 0 ? (elapsed / event.step) * (event.total - event.step) : 0;
    const metrics = metricsText(event.metrics);
    process.stderr.write(`${key}: ${event.step}/${event.total}${metrics} · at most ${eta.toFixed(0)} s left\n`);
  }

  private bar(Bars: typeof MultiBar, key: string, total: number): SingleBar {
    const existing = this.barOf.get(key);
    if (existing !== undefined) return existing;
    this.bars ??= new Bars({
      format: "{key} {bar} {value}/{total}{metrics} · {eta_formatted} left",
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    });
    const bar = this.bars.create(total, 0, { key, metrics: "" });
    this.barOf.set(key, bar);
    return bar;
  }

  private removeBar(key: string): void {
    const bar = this.barOf.get(key);
    if (bar === undefined) return;
    this.bars?.remove(bar);
    this.barOf.delete(key);
  }
}

const LONGEST = 4000;

/** Messages quote files, and what a file says must not steer a terminal or fill it. */
function printable(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST / 2)} … ${text.slice(-LONGEST / 2)}` : text;
  return short.replace(/[^\P{Cc}\n\t]/gu, "\uFFFD");
}

function metricsText(metrics: Record<string, number> | undefined): string {
  return Object.entries(metrics ?? {})
    .map(([name, value]) => ` ${name}=${value.toFixed(4)}`)
    .join("");
}

function describe(event: Exclude<ProgressEvent, { event: "progress" }>): string {
  switch (event.event) {
    case "stage":
      return event.job === undefined ? event.message : `${event.job}: ${event.message}`;
    case "notice":
      return `note: ${event.job === undefined ? "" : `${event.job}: `}${event.message}`;
    case "trial":
      return trialText(event);
    case "job_started":
      return `Training ${event.model} for ${event.symbol}, horizon=${event.horizon}`;
    case "job_finished":
      return `${event.job}: ${event.status}${event.message === "" ? "" : ` — ${event.message}`}`;
  }
}

function trialText({ job, within, slot, state, value, best, params, seconds, message }: TrialEvent): string {
  const told = state === "complete" ? (value?.toFixed(5) ?? "") : state === "pruned" ? "pruned" : `failed: ${message}`;
  const isBest = state === "complete" && best?.slot === slot;
  const so = best === null ? "" : isBest ? ", the best so far" : `; best ${best.value.toFixed(5)} (trial ${best.slot})`;
  const drawn = Object.entries(params).map(([name, each]) => {
    const short = typeof each === "number" && !Number.isInteger(each) ? Number(each.toPrecision(3)) : each;
    return `${name.replace(/^(model_params|training)\./, "")}=${short}`;
  });
  return `${job}: ${within === undefined ? "" : `${within}: `}trial ${slot}${slot === 0 ? " (defaults)" : ""} ${told}${so} · ${seconds.toFixed(1)} s · ${drawn.join(" ")}`;
}

function stackOf(error: unknown): string {
  const lines: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) lines.push(at.stack ?? String(at));
  return lines.join("\ncaused by: ");
}
