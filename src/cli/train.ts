import type { Command } from "commander";
import { shellWord } from "../files/index.js";
import { trainRun } from "../training/index.js";
import { type CommandContext, examples, positiveInteger, runs } from "./command.js";
import { sharedFlags } from "./flags.js";
import { printModels } from "./models.js";
import { printOutcome } from "./outcome.js";

interface Options {
  listModels?: boolean;
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
  test: boolean;
  plugin?: string[];
  allowSmall?: boolean;
  verify?: boolean;
}

export function trainCommand(program: Command): void {
  const command = sharedFlags(
    program.command("train").description("train models on prepared data: any models × symbols × horizons"),
    "model",
    "symbol",
    "horizon",
  ).option("--seq-len <bars>", "window of sequence models", positiveInteger);
  sharedFlags(
    command,
    "data",
    "config",
    "set",
    "preset",
    "seed",
    "workers",
    "device",
    "embargo",
    "noTest",
    "allowSmall",
    "runsDir",
    "runId",
    "store",
    "verify",
    "plugin",
  )
    .option("--list-models", "list the models and stop")
    .addHelpText(
      "after",
      examples(
        "foldwise train --model xgboost --horizon 20 --symbol MES",
        "foldwise train --model all --horizon 20",
        "foldwise train --model xgboost,logistic --symbol MES,MGC --horizon 5,20 --preset reference",
        "foldwise train --list-models",
      ),
    );
  runs<Options>(command, async (context, options) => {
    if (options.listModels === true) return printModels(context.output, context.cwd, options.plugin ?? []);
    return train(context, options);
  });
}

async function train({ output, signal, cwd }: CommandContext, options: Options): Promise<number> {
  const { model, symbol, horizon, seqLen, data, store, runId, config, set, plugin, verify } = options;
  const result = await trainRun({
    cwd,
    // `run.json` keeps a line that can be typed again.
    command: ["foldwise", ...process.argv.slice(2).map(shellWord)].join(" "),
    flags: {
      preset: options.preset,
      seed: options.seed,
      workers: options.workers,
      device: options.device,
      "validation.embargo": embargoOf(options.embargo),
    },
    noTest: !options.test,
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
  });
  return printOutcome(output, result);
}

/** Rows stay a number; `4h` is a length that the data's step turns into rows. */
const embargoOf = (text: string | undefined): string | number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
