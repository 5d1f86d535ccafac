import { z } from "zod";

const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$/);
/** A path below the run's folder. */
const inside = z.string().regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_./-]{0,255}$/);

/** One cell of a grid: a model on a symbol at a horizon. */
export const runJobSchema = z.strictObject({
  /** `{model}_{SYMBOL}_h{H}`: also the name of its folder and files. */
  job: id,
  model: id,
  symbol: id,
  horizon: z.number().int().positive(),
  status: z.enum(["pending", "running", "succeeded", "failed", "interrupted"]),
  /** Relative to the run folder; null until the job has succeeded. */
  bundle: inside.nullable(),
  report: inside.nullable(),
  predictions: inside.nullable(),
  error: z.strictObject({ code: z.string(), message: z.string(), remedy: z.string().nullable() }).nullable(),
  seconds: z.number().nullable(),
});

/** `run.json` (design, section 8). */
export const runFileSchema = z.strictObject({
  format: z.literal(1),
  run_id: z.string(),
  status: z.enum(["running", "succeeded", "failed", "interrupted"]),
  /** What was called, as a command line that can be typed again. */
  command: z.string(),
  created: z.string(),
  updated: z.string(),
  /** The process that works on it, so that `resume` does not start a second one. */
  process: z.strictObject({ pid: z.number().int(), host: z.string() }).nullable(),
  seed: z.number().int(),
  versions: z.record(z.string(), z.string()),
  /** Symbol → where its rows came from. */
  datasets: z.record(
    z.string(),
    z.strictObject({
      fingerprint: z.string(),
      sources: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
    }),
  ),
  /** Everything of the call that `config.yaml` does not hold: folders and switches. */
  options: z.record(z.string(), z.unknown()),
  jobs: z.array(runJobSchema).min(1, "a run has at least one job"),
});

export type RunFile = z.infer<typeof runFileSchema>;
export type RunJob = z.infer<typeof runJobSchema>;
