import type { Timestamps } from "../types/index.js";
import { dataError } from "./failure.js";
import type { DatasetMeta } from "./meta.js";
import { checkTimeZone } from "./time-zone.js";

/** What the data files themselves say. */
export interface DatasetFacts {
  symbol: string;
  features: readonly string[];
  /** Of each file. */
  stamps: readonly Timestamps[];
}

/** Fewer neighbours than this prove no step wrong. */
const ENOUGH = 10;
/** Holes lengthen steps and clock changes move a day's close by an hour of its 24. */
const TOLERANCE = 0.05;
const LEAST_SHARE = 0.1;
const NAMES_SHOWN = 5;

/**
 * Throws `data.meta_differs` where a meta file describes other rows than those beside it: a model would be served rows that it
 * was not trained on.
 */
export function refuseContradiction({ symbol, pipeline }: DatasetMeta, facts: DatasetFacts, path: string): void {
  const differs = (what: string): Error =>
    dataError(
      "data.meta_differs",
      { path },
      `it does not describe the data beside it: ${what}`,
      "Prepare the dataset again, or remove the meta file if the rows are your own.",
    );
  for (const said of [symbol, pipeline?.symbol ?? null]) {
    if (said !== null && said !== facts.symbol) throw differs(`its symbol is ${said}, the file's is ${facts.symbol}.`);
  }
  if (pipeline === null) return;
  const names = differingNames(pipeline.features.names, facts.features);
  if (names !== null) throw differs(names);
  for (const zone of [pipeline.timeZone, pipeline.sessions.timeZone]) checkTimeZone(zone);
  if (pipeline.step !== null && !holdsStep(facts.stamps, pipeline.step)) {
    throw differs(`its bars are ${pipeline.step / 1e6} s apart, the rows are not.`);
  }
}

function differingNames(said: readonly string[], have: readonly string[]): string | null {
  const list = (names: readonly string[]): string =>
    `${names.slice(0, NAMES_SHOWN).join(", ")}${names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ""}`;
  const [known, there] = [new Set(said), new Set(have)];
  const [missing, extra] = [said.filter((name) => !there.has(name)), have.filter((name) => !known.has(name))];
  if (missing.length + extra.length === 0) return null;
  return [
    ...(missing.length === 0 ? [] : [`the file lacks the features ${list(missing)}`]),
    ...(extra.length === 0 ? [] : [`the file has the features ${list(extra)} besides`]),
  ]
    .join("; ")
    .concat(".");
}

/** Whether enough of the neighbouring rows are a step apart. */
function holdsStep(files: readonly Timestamps[], step: number): boolean {
  let [pairs, apart] = [0, 0];
  for (const stamps of files) {
    for (let row = 1; row < stamps.length; row++) {
      pairs++;
      if (Math.abs(stamps[row]! - stamps[row - 1]! - step) <= TOLERANCE * step) apart++;
    }
  }
  return pairs < ENOUGH || apart >= LEAST_SHARE * pairs;
}
