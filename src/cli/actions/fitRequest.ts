import { shellWord } from "../../files/index.js";
import type { TrainRunRequest } from "../../training/index.js";
import type { CommandContext } from "../command.js";
import type { FitOptions } from "../fitFlags.js";

/** The request that these `options` and further named flags, by their configuration key, make. */
export function fitRequest(
  { output, signal, cwd }: CommandContext,
  options: FitOptions,
  flags: Record<string, unknown> = {},
): Omit<TrainRunRequest, "noTest"> {
  const { model, symbol, horizon, seqLen, data, store, runId, config, set, plugin, verify } = options;
  return {
    cwd,
    // `run.json` keeps a line that can be typed again.
    command: ["foldwise", ...process.argv.slice(2).map(shellWord)].join(" "),
    flags: {
      preset: options.preset,
      seed: options.seed,
      workers: options.workers,
      device: options.device,
      "validation.embargo": embargoOf(options.embargo),
      ...flags,
    },
    allowSmall: options.allowSmall === true,
    signal,
    onEvent: output.event,
    ...(model === undefined ? {} : { models: model }),
    ...(symbol === undefined ? {} : { symbols: symbol }),
    ...(horizon === undefined ? {} : { horizons: horizon }),
    ...(seqLen === undefined ? {} : { seqLen }),
    ...(data === undefined ? {} : { data }),
    ...(store === undefined ? {} : { store }),
    ...(options.runs === undefined ? {} : { runsDir: options.runs }),
    ...(runId === undefined ? {} : { runId }),
    ...(config === undefined ? {} : { configFile: config }),
    ...(set === undefined ? {} : { set }),
    ...(plugin === undefined ? {} : { plugins: plugin }),
    ...(verify === undefined ? {} : { verify }),
  };
}

/** Rows stay a number; `4h` is a length that the data's step turns into rows. */
const embargoOf = (text: string | undefined): string | number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
