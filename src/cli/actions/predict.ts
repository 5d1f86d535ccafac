import { statSync } from "node:fs";
import { resolveTrainingConfig } from "../../config/index.js";
import { loadModel, type PredictSource, predictFile } from "../../inference/index.js";
import { loadPlugins } from "../../models/index.js";
import { FoldwiseError } from "../../types/index.js";
import type { CommandContext } from "../command.js";
import type { PredictOptions } from "../predict.js";

export async function predict({ output, signal, cwd }: CommandContext, options: PredictOptions): Promise<void> {
  const source = sourceOf(options);
  // Importing a plug-in runs its code: what the person names, never what the bundle names.
  const featurePlugins = options.featurePlugin ?? (source.kind === "bars" ? await configuredPlugins(cwd) : []);
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
}

/** Prepared rows need none of what prepares them. */
async function configuredPlugins(cwd: string): Promise<readonly string[]> {
  const { readPrepareConfig } = await import("./prepareConfig.js");
  return readPrepareConfig({ cwd }).features.plugins;
}

function sourceOf({ data, bars, symbol, part }: PredictOptions): PredictSource {
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
