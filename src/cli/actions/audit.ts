import { DEFAULT_RUNS, Run } from "../../artifacts/index.js";
import { type Audit, auditDataset, auditRun, formatAudit } from "../../audit/index.js";
import { FoldwiseError } from "../../types/index.js";
import type { AuditOptions } from "../audit.js";
import type { CommandContext } from "../command.js";
import { readPrepareConfig } from "./prepareConfig.js";

export async function audit(context: CommandContext, options: AuditOptions): Promise<number> {
  const { output } = context;
  const [runId] = context.args;
  const audits = runId === undefined ? [await ofData(context, options)] : await ofRun(context, runId, options);
  output.print(audits.map(formatAudit).join("\n"));
  const certain = audits.some(({ verdict }) => verdict === "certain");
  output.result({ event: "finished", status: certain ? "failed" : "succeeded", audits });
  return certain ? 1 : 0;
}

function ofData(context: CommandContext, options: AuditOptions): Promise<Audit> {
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

function ofRun(context: CommandContext, runId: string, options: AuditOptions): Promise<Audit[]> {
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

function shared({ output, signal, cwd }: CommandContext, { bars, rolls, dateOrder, featurePlugin }: AuditOptions) {
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
