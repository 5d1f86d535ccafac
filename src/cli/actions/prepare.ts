import { join } from "node:path";
import { symbolMarket } from "../../config/index.js";
import { formatSummary, type Layout, prepareDataset, summaryToJson } from "../../prepare/index.js";
import type { CommandContext } from "../command.js";
import type { PrepareOptions } from "../prepare.js";
import { readPrepareConfig } from "./prepareConfig.js";

export async function prepare(context: CommandContext, options: PrepareOptions): Promise<void> {
  const { output, signal, cwd } = context;
  const input = context.args[0] ?? "";
  const layouts: Layout[] = options.layout === "both" ? ["series", "splits"] : [options.layout];
  const summary = await prepareDataset({
    input,
    symbol: options.symbol,
    config: readPrepareConfig({
      cwd,
      config: options.config,
      set: options.set,
      flags: {
        horizons: lengths(options.horizons),
        adjust: options.adjust,
        outside_session: options.outsideSession,
      },
    }),
    market: symbolMarket(options.symbol, cwd),
    ...(options.rolls === undefined ? {} : { rolls: options.rolls }),
    allowSmall: options.allowSmall === true,
    ...(options.barTime === undefined ? {} : { barTime: options.barTime }),
    ...(options.tz === undefined ? {} : { timeZone: options.tz }),
    ...(options.dateOrder === undefined ? {} : { dateOrder: options.dateOrder }),
    out: options.out,
    layouts,
    cwd,
    onEvent: output.event,
    signal,
  });
  output.print(formatSummary(summary));
  const horizon = summary.labels.horizons.at(-1)?.horizon ?? 20;
  const data =
    options.out === "data"
      ? ""
      : ` --data ${join(options.out, layouts[0] === "splits" ? "splits/scaled" : "datasets")}`;
  output.print(`Next: foldwise train --model all --symbol ${options.symbol} --horizon ${horizon}${data}`);
  output.result({ event: "finished", status: "succeeded", ...summaryToJson(summary) });
}

/** Bars stay numbers; `4h` is a length that the data's step turns into bars. */
const lengths = (horizons: string[] | undefined) =>
  horizons?.map((length) => (/^\d+$/.test(length) ? Number(length) : length));
