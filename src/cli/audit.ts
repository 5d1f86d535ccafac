import type { Command } from "commander";
import type { DateOrder } from "../types/index.js";
import { collect, commaList, examples, positiveInteger, runs } from "./command.js";
import { dateOrderOption, sharedFlags } from "./flags.js";

export interface AuditOptions {
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
  runs<AuditOptions>(command, async () => (await import("./actions/audit.js")).audit);
}
