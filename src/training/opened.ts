import { openStored, requireEnoughRows, requireVaryingRows } from "../data/index.js";
import { FoldwiseError, type OnEvent, type StoredDataset } from "../types/index.js";
import { type HoldoutPlan, parseLength } from "../validation/index.js";
import type { TrainCall } from "./call.js";
import type { GridCell } from "./grid.js";
import { planRows, requireHorizon } from "./rows.js";
import { seqLenOf } from "./sequence.js";

/** The rows of one symbol, opened and planned once for all its cells. */
export interface OpenedSymbol<Plan = HoldoutPlan> {
  dataset: StoredDataset;
  plan: Plan;
}

/** Symbol → its rows, or why they cannot be used. */
export type OpenedSymbols<Plan = HoldoutPlan> = ReadonlyMap<string, OpenedSymbol<Plan> | FoldwiseError>;

export interface OpenSymbolsOptions<Plan = HoldoutPlan> {
  /** Which rows a job may use. */
  plan: (dataset: StoredDataset) => Plan;
  /** Those among them that a fit sees: they must not be all alike. */
  fitted: (plan: Plan) => Int32Array;
  /** The dataset store; `.foldwise/datasets` by default. */
  store?: string;
  verify?: boolean;
  /** Fewer than 500 rows are taken, too. */
  allowSmall?: boolean;
  onEvent?: OnEvent;
  /** The data folder of a symbol, where it is known better than from the call; null: as the call says. */
  dataOf?: (symbol: string) => string | null;
}

/** How `train` plans the rows of an opened dataset: as the call's configuration says. */
export const holdoutOf = (call: TrainCall): Pick<OpenSymbolsOptions, "plan" | "fitted"> => ({
  plan: (dataset) => planRows(dataset, embargoOf(call, dataset), longestWindow(call)),
  fitted: ({ train }) => train,
});

/** Rows; undefined: the default. */
export function embargoOf(call: TrainCall, { manifest }: StoredDataset): number | undefined {
  const { embargo } = call.training.config.validation;
  const { pipeline, medianStep } = manifest;
  // Bars that prepare found irregular have no step to turn a time into bars.
  const step = pipeline === null ? medianStep : pipeline.step;
  return (typeof embargo === "string" ? parseLength(embargo, step) : embargo) ?? undefined;
}

/** Bars of the longest window among the call's models; null where all take single rows. */
export function longestWindow({ models, parts }: TrainCall): number | null {
  const lengths = [...models, ...parts].map(({ definition, settings }) => seqLenOf(definition, settings.training) ?? 0);
  return Math.max(...lengths) || null;
}

/**
 * Opens each symbol and plans its rows. A symbol that cannot be used is its cells' failure, unless no cell can start: then its
 * error is the call's.
 */
export async function openSymbols<Plan>(
  call: TrainCall,
  cells: readonly GridCell[],
  options: OpenSymbolsOptions<Plan>,
): Promise<OpenedSymbols<Plan>> {
  const opened = new Map<string, OpenedSymbol<Plan> | FoldwiseError>();
  for (const symbol of call.grid.symbols) {
    try {
      opened.set(symbol, await openSymbol(symbol, call, options));
    } catch (error) {
      if (!(error instanceof FoldwiseError)) throw error;
      opened.set(symbol, error);
    }
  }
  const refusals = cells.map(({ symbol, horizon }) => refusalOf(opened.get(symbol), horizon));
  const [first] = refusals;
  if (first !== null && first !== undefined && refusals.every((refusal) => refusal !== null)) throw first;
  return opened;
}

function refusalOf(state: OpenedSymbol<unknown> | FoldwiseError | undefined, horizon: number): FoldwiseError | null {
  if (state === undefined || state instanceof FoldwiseError) return state ?? null;
  try {
    requireHorizon(state.dataset, horizon);
    return null;
  } catch (error) {
    if (error instanceof FoldwiseError) return error;
    throw error;
  }
}

async function openSymbol<Plan>(
  symbol: string,
  call: TrainCall,
  { store, verify, allowSmall = false, onEvent, dataOf, plan, fitted }: OpenSymbolsOptions<Plan>,
): Promise<OpenedSymbol<Plan>> {
  const { grid } = call;
  const [horizon] = grid.horizons;
  const data = dataOf?.(symbol) ?? grid.data;
  const dataset = await openStored({
    symbol,
    // Matters only where the file has one plain `label` column.
    ...(grid.horizons.length === 1 && horizon !== undefined ? { horizon } : {}),
    ...(data === null ? {} : { data }),
    ...(store === undefined ? {} : { store }),
    ...(verify === undefined ? {} : { verify }),
    onNotice: (message) => onEvent?.({ event: "notice", message: `${symbol}: ${message}` }),
  });
  const opened = { dataset, plan: plan(dataset) };
  requireEnoughRows(dataset.manifest.rows, `The dataset of ${symbol} has`, allowSmall);
  // Throws `data.constant_features` where the rows of a fit are all alike.
  await requireVaryingRows(dataset, fitted(opened.plan), symbol);
  return opened;
}
