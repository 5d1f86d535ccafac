import type { FlagName } from "./flags.js";

/** Flags of every command that fits models, but for what it fits. */
export const FIT_FLAGS = [
  "data",
  "config",
  "set",
  "preset",
  "seed",
  "workers",
  "device",
  "embargo",
  "allowSmall",
  "runsDir",
  "runId",
  "store",
  "verify",
  "plugin",
] as const satisfies readonly FlagName[];

/** What commander makes of them, and of `--model`, `--symbol`, `--horizon`, `--seq-len`. */
export interface FitOptions {
  model?: string[];
  symbol?: string[];
  horizon?: number[];
  seqLen?: number;
  data?: string;
  store?: string;
  runs?: string;
  runId?: string;
  config?: string;
  set?: string[];
  preset?: string;
  seed?: number;
  workers?: number;
  device?: string;
  embargo?: string;
  plugin?: string[];
  allowSmall?: boolean;
  verify?: boolean;
}
