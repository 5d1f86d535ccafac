import { type Command, Option } from "commander";
import { collect, commaList, integerList, positiveInteger, wholeNumber } from "./command.js";

/** One entry a flag that several commands share: name, help and parser stand here only. */
const FLAGS = {
  model: ["--model <names>", "models, comma-separated, or `all`", commaList],
  symbol: ["--symbol <names>", "symbols, comma-separated (default: those of config/training.yaml)", commaList],
  horizon: [
    "--horizon <bars>",
    "horizons in bars, comma-separated (default: those of config/training.yaml)",
    integerList,
  ],
  data: [
    "--data <dir>",
    "folder with {SYMBOL}.parquet or {SYMBOL}_{train,val,test}.parquet (default: data/datasets, then data/splits/scaled)",
  ],
  store: ["--store <dir>", "dataset store (default: .foldwise/datasets)"],
  runsDir: ["--runs <dir>", "folder of all runs (default: experiments/runs)"],
  runId: ["--run-id <id>", "name of the new run (default: the UTC time)"],
  seed: ["--seed <n>", "seed of everything random (default: 7)", wholeNumber],
  preset: ["--preset <name>", "`market` (default, for noisy labels) or `reference` (the requirements' numbers)"],
  config: ["--config <file>", "YAML with a model's or the training's settings, or the config.yaml of an earlier run"],
  set: ["--set <key=value>", "any configuration key, e.g. model_params.max_depth=6; may be repeated", collect],
  workers: ["--workers <n>", "worker processes; cores are shared between them (default: 1)", positiveInteger],
  device: ["--device <name>", "auto (default), cpu or cuda"],
  embargo: [
    "--embargo <length>",
    "left out before each border: rows, or a time such as 4h (default: max(1 % of train + validation rows, 59))",
  ],
  noTest: ["--no-test", "leave the test part closed"],
  plugin: ["--plugin <file>", "module that adds a model; may be repeated", collect],
  allowSmall: ["--allow-small", "go on with fewer than 500 rows"],
  verify: ["--verify", "hash the data files again instead of trusting size and time, and check the stored arrays"],
} as const satisfies Record<string, readonly [string, string, ((value: string, previous: never) => unknown)?]>;

export type FlagName = keyof typeof FLAGS;

/** Adds the named shared flags to a command. */
export function sharedFlags(command: Command, ...names: FlagName[]): Command {
  for (const name of names) {
    const [flags, description, parse] = FLAGS[name] as readonly [
      string,
      string,
      ((value: string, previous: unknown) => unknown)?,
    ];
    if (parse === undefined) command.option(flags, description);
    else command.option(flags, description, parse);
  }
  return command;
}

/** `--date-order`, of every command that reads bars. */
export const dateOrderOption = (fallback: string): Option =>
  new Option(
    "--date-order <which>",
    `what dates such as 03/04/2024 mean: month or day first (default: ${fallback})`,
  ).choices(["mdy", "dmy"]);
