import type { Command } from "commander";
import { DEFAULT_RUNS, Run } from "../artifacts/index.js";
import { type Audit, auditDataset, auditRun, formatAudit } from "../audit/index.js";
import { type DateOrder, FoldwiseError } from "../types/index.js";
import { type CommandContext, collect, commaList, examples, positiveInteger, runs } from "./command.js";
import { dateOrderOption, sharedFlags } from "./flags.js";
import { readPrepareConfig } from "./prepareConfig.js";

interface Options {
  symbol?: string;
  data?: string;
  horizon?: number;
  splitColumn?: string[];
  bars?: string;
  rolls?: string;
  dateOrder?: DateOrder;
  featurePlugin?: string[];
  runs?: string;
  store?: string;
}

export function auditCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("audit [run-id]")
      .description("look for leaks: in a run, in prepared rows, or in rows and splits of your own")
      .option("--symbol <name>", "which symbol of a data folder, or of a run with several")
      .option(
        "--data <file-or-dir>",
        "rows instead of a run: one file, or a data folder with --symbol (default: data/datasets, then data/splits/scaled)",
      )
      .option(
        "--split-column <names>",
        "columns that say train, val or test of each row, or number the fold that tests it, comma-separated",
        commaList,
      )
      .option("--horizon <bars>", "the horizon of a plain `label` column", positiveInteger)
      .option("--bars <file>", "the bars that the rows were prepared from: every feature is computed again, bar by bar")
      .option("--rolls <file>", "contract rolls of --bars, where they have no contract column")
      .addOption(dateOrderOption("as in the bars prepared"))
      .option(
        "--feature-plugin <file>",
        "module that computes features of --bars; may be repeated (default: features.plugins of config/prepare.yaml)",
        collect,
      ),
    "runsDir",
    "store",
  ).addHelpText(
    "after",
    examples(
      "foldwise audit --symbol MES --bars bars.csv",
      "foldwise audit 20260101_120000",
      "foldwise audit --data my_rows.parquet --split-column split --horizon 20",
    ),
  );
  runs<Options>(command, async (context, options) => {
    const { output } = context;
    const [runId] = command.args;
    const audits = runId === undefined ? [await ofData(context, options)] : await ofRun(context, runId, options);
    output.print(audits.map(formatAudit).join("\n"));
    const certain = audits.some(({ verdict }) => verdict === "certain");
    output.result({ event: "finished", status: certain ? "failed" : "succeeded", audits });
    return certain ? 1 : 0;
  });
}

function ofData(context: CommandContext, options: Options): Promise<Audit> {
  const { symbol, data, horizon, splitColumn, store } = options;
  return auditDataset({
    ...shared(context, options),
    ...(symbol === undefined ? {} : { symbol }),
    ...(data === undefined ? {} : { data }),
    ...(horizon === undefined ? {} : { horizon }),
    ...(splitColumn === undefined ? {} : { splitColumns: splitColumn }),
    ...(store === undefined ? {} : { store }),
  });
}

function ofRun(context: CommandContext, runId: string, options: Options): Promise<Audit[]> {
  const own = (["data", "splitColumn", "horizon", "store"] as const).find((flag) => options[flag] !== undefined);
  if (own !== undefined) {
    const flag = own === "splitColumn" ? "split-column" : own;
    throw new FoldwiseError(
      "usage.run_and_data",
      `--${flag} does not go with a run: its rows are those that it was made from.`,
      {
        remedy: "Name a run, or the rows with --data and --symbol.",
      },
    );
  }
  const { symbol } = options;
  const run = Run.open(options.runs ?? DEFAULT_RUNS, runId);
  return auditRun(run, { ...shared(context, options), ...(symbol === undefined ? {} : { symbol }) });
}

function shared({ output, signal, cwd }: CommandContext, { bars, rolls, dateOrder, featurePlugin }: Options) {
  // Importing a plug-in runs its code: what the person names, never what the data name.
  const featurePlugins = featurePlugin ?? (bars === undefined ? [] : readPrepareConfig({ cwd }).features.plugins);
  return {
    cwd,
    signal,
    onEvent: output.event,
    featurePlugins,
    ...(bars === undefined ? {} : { bars }),
    ...(rolls === undefined ? {} : { rolls }),
    ...(dateOrder === undefined ? {} : { dateOrder }),
  };
}
