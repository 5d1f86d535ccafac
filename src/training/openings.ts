import {
  countOpenings,
  type OpeningCount,
  openingsOf,
  openingsOfOthers,
  type Run,
  recordOpening,
  type TestOpening,
} from "../artifacts/index.js";
import { sha256 } from "../files/index.js";
import type { StoredDataset } from "../types/index.js";
import type { HoldoutPlan } from "../validation/index.js";
import type { CalibrationSetting } from "./calibration.js";
import type { DecisionSettings } from "./decision.js";
import type { GridCell } from "./grid.js";
import { testRange } from "./rows.js";

/** What decides which configuration is evaluated. */
export interface OpeningFacts {
  cell: GridCell;
  settings: { model_params: Record<string, unknown>; training: Record<string, unknown> };
  /** Of an ensemble: the settings of what it is made of. */
  parts?: unknown;
  dataset: StoredDataset;
  plan: HoldoutPlan;
  seed: number;
  calibration: CalibrationSetting;
  decision: DecisionSettings;
}

/** The opening that a cell makes of its test rows. */
export function openingOf({
  cell,
  settings,
  parts,
  dataset,
  plan,
  seed,
  calibration,
  decision,
}: OpeningFacts): TestOpening {
  const { model_params, training } = settings;
  const configuration = {
    model: cell.model,
    horizon: cell.horizon,
    seed,
    model_params,
    training,
    ...(parts === undefined ? {} : { parts }),
    calibration,
    decision,
    embargo: plan.embargo,
    // Other barriers or other sessions are another experiment, though the features' names are the same.
    made: madeFrom(dataset),
  };
  return {
    symbol: cell.symbol,
    ...testRange(dataset, plan),
    configuration: sha256(JSON.stringify([configuration, dataset.manifest.features])),
    job: cell.job,
  };
}

/** How labels and features were made, as far as it is known; not from which bars. */
function madeFrom({ manifest: { pipeline, parts } }: StoredDataset): unknown {
  if (pipeline === null) return null;
  const { labels, features, sessions, adjust, outsideSession, maxGap } = pipeline;
  const total = parts.test.end - parts.train.start;
  const split = [parts.train, parts.val].map(({ end }) => Math.round((100 * (end - parts.train.start)) / total));
  return { labels, features: features.config, sessions: sessions.id, adjust, outsideSession, maxGap, split };
}

/**
 * The openings of one run's jobs, counted so that a report does not depend on which worker was faster: what other runs have
 * opened, what this one had opened when the work began, and one for each job up to this one in the grid's order, whether
 * those before it have come to it already, will later, or fail.
 */
export class RunOpenings {
  readonly #before: readonly TestOpening[];

  /** @param planned Of the jobs that are to be done, in the grid's order. */
  constructor(
    private readonly run: Run,
    private readonly planned: readonly TestOpening[],
  ) {
    this.#before = openingsOf(run.dir);
    // What cannot be read is refused before the first fit, not after it.
    openingsOfOthers(run);
  }

  /** Writes the opening down before the test rows are scored, so that a killed process counts too. */
  record(job: string): void {
    recordOpening(this.run.dir, this.#planned(job));
  }

  count(job: string): OpeningCount {
    const own = this.#planned(job);
    const upToHere = this.planned.slice(0, this.planned.indexOf(own) + 1);
    return countOpenings([...openingsOfOthers(this.run), ...this.#before, ...upToHere], own);
  }

  #planned(job: string): TestOpening {
    const found = this.planned.find((opening) => opening.job === job);
    if (found === undefined) throw new Error(`${job} is not among the jobs that open their test rows`);
    return found;
  }
}
