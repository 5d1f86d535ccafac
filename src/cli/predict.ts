import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import { resolveTrainingConfig } from "../config/index.js";
import { loadModel, type PredictSource, predictFile } from "../inference/index.js";
import { loadPlugins } from "../models/index.js";
import { type DateOrder, FoldwiseError, type PartName } from "../types/index.js";
import { collect, examples, runs } from "./command.js";
import { dateOrderOption, sharedFlags } from "./flags.js";
import { readPrepareConfig } from "./prepareConfig.js";

interface Options {
  modelDir: string;
  data?: string;
  bars?: string;
  symbol?: string;
  part: PartName | "all";
  out: string;
  plugin?: string[];
  featurePlugin?: string[];
  rolls?: string;
  dateOrder?: DateOrder;
}

export function predictCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("predict")
      .description("predict with a bundle, in plain Node: prepared rows (--data) or raw bars (--bars)")
      .requiredOption("--model-dir <dir>", "a bundle: the folder of one model in a run")
      .option("--data <file-or-dir>", "prepared rows: one file, or a data folder with --symbol")
      .option("--bars <file>", "raw OHLCV bars; features are made as the bundle's pipeline.json says")
      .option("--rolls <file>", "contract rolls of --bars, where they have no contract column")
      .addOption(dateOrderOption("as in the bars trained on"))
      .option("--symbol <name>", "which symbol of a data folder")
      .addOption(
        new Option("--part <which>", "which rows of a data folder")
          .choices(["all", "train", "val", "test"])
          .default("all"),
      )
      .option(
        "--feature-plugin <file>",
        "module that computes features of --bars; may be repeated (default: features.plugins of config/prepare.yaml)",
        collect,
      )
      .requiredOption("--out <file>", "where to write: .parquet or .csv"),
    "plugin",
  ).addHelpText(
    "after",
    examples(
      "foldwise predict --model-dir experiments/runs/RUN/models/xgboost_MES_h20 --bars new_bars.csv --out p.csv",
      "foldwise predict --model-dir experiments/runs/RUN/models/xgboost_MES_h20 --data data/datasets --symbol MES --out p.parquet",
    ),
  );
  runs<Options>(command, async ({ output, signal, cwd }, options) => {
    const source = sourceOf(options);
    // Importing a plug-in runs its code: what the person names, never what the bundle names.
    const featurePlugins =
      options.featurePlugin ?? (source.kind === "bars" ? readPrepareConfig({ cwd }).features.plugins : []);
    const { config } = resolveTrainingConfig({ cwd, plugins: options.plugin });
    await loadPlugins(config.plugins, cwd);
    const model = await loadModel(options.modelDir);
    const start = performance.now();
    const { rows } = await predictFile({
      model,
      source,
      out: options.out,
      featurePlugins,
      ...(options.rolls === undefined ? {} : { rolls: options.rolls }),
      ...(options.dateOrder === undefined ? {} : { dateOrder: options.dateOrder }),
      cwd,
      signal,
      onEvent: output.event,
    });
    const seconds = (performance.now() - start) / 1000;
    const { model: name, symbol, horizon } = model.manifest;
    output.print(`${name} ${symbol} h${horizon}: ${rows} rows predicted in ${seconds.toFixed(1)} s`);
    output.print(`Written: ${options.out}`);
    output.result({ event: "finished", status: "succeeded", model: name, symbol, horizon, rows, out: options.out });
    await model.close();
  });
}

function sourceOf({ data, bars, symbol, part }: Options): PredictSource {
  if ((data === undefined) === (bars === undefined)) {
    throw new FoldwiseError("usage.predict_source", "predict takes exactly one of --data and --bars.", {
      remedy: "Give --data FILE_OR_DIR for prepared rows, or --bars FILE for raw bars.",
    });
  }
  const path = bars ?? data ?? "";
  const isFolder = bars === undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder && part !== "all") {
    throw new FoldwiseError("usage.predict_part", `--part ${part} has no meaning for the single file ${path}.`, {
      remedy: "Leave --part away, or name a data folder with --data DIR --symbol NAME: only that knows its parts.",
    });
  }
  if (bars !== undefined) return { kind: "bars", path };
  if (!isFolder) return { kind: "file", path };
  if (symbol === undefined) {
    throw new FoldwiseError("usage.symbol_required", `${path} is a folder; it may hold several symbols.`, {
      remedy: "Name one: --symbol MES",
    });
  }
  return { kind: "dataset", data: path, symbol, part };
}
