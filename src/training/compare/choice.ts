import { blockGains, blockLength, commonRows, type RowResults, sameLabels } from "../../evaluation/index.js";
import { buildChoice, type Choice, type ChoiceInput, FEWEST_SESSIONS } from "../../report/index.js";
import { FoldwiseError } from "../../types/index.js";
import { commonPeriods } from "./periods.js";
import { durationsOf, resultsOf } from "./results.js";
import type { Trial, Trials } from "./trials.js";

/**
 * Among how many configurations of the runs folder a run's best was found: by the sessions' results where it was traded in enough
 * of them, else by its gains in log-loss. Out-of-fold answers only.
 *
 * @param own What the run's jobs lost on their rows, by job.
 */
export async function choiceOf(
  { trials, ofThisRun, prior, ofStudies, damaged }: Trials,
  own: ReadonlyMap<string, RowResults>,
): Promise<Choice> {
  const traded = byTrading(trials);
  const found = "reason" in traded ? await byLoss(trials.slice(0, ofThisRun), trials.slice(ofThisRun), own) : traded;
  return buildChoice({
    ...found,
    ofThisRun,
    priorTrials: prior,
    studyTrials: ofStudies,
    damaged,
    noTradingBecause: "reason" in traded ? traded.reason : null,
  });
}

type Found = Pick<ChoiceInput, "compared" | "notCompared" | "basis" | "results" | "block" | "sessionsPerYear">;

/** A trial with what it is compared by, or why it cannot be. */
type Candidate<T> = { trial: Trial } & ({ by: T } | { reason: string });

const UNREADABLE = "its report cannot be read";

function byTrading(trials: readonly Trial[]): Found | { reason: string } {
  const report = trials[0]?.report;
  const first = report?.trading;
  if (first == null) return { reason: report?.no_trading_because ?? "the run was not traded" };
  const candidates = trials.map((trial) => {
    if (trial.report === null) return { trial, reason: UNREADABLE };
    const { trading } = trial.report;
    if (trading?.basis !== first.basis) return { trial, reason: `it has no trading figures ${first.basis} of costs` };
    return { trial, by: trading };
  });
  const { kept, common, notCompared } = comparable(candidates, ({ session_dates }) => session_dates, "sessions");
  if (common.size < FEWEST_SESSIONS)
    return { reason: `${common.size} sessions, and at least ${FEWEST_SESSIONS} are needed` };
  return {
    compared: kept.map(named),
    notCompared,
    basis: first.basis,
    results: kept.map(({ by: { session_dates, session_results } }) =>
      Float64Array.from(session_results.filter((_, i) => common.has(session_dates[i]!))),
    ),
    block: null,
    sessionsPerYear: first.sessions_per_year,
  };
}

async function byLoss(
  ours: readonly Trial[],
  others: readonly Trial[],
  own: ReadonlyMap<string, RowResults>,
): Promise<Found> {
  const candidates: Candidate<RowResults>[] = ours.map((trial) => ({ trial, by: own.get(trial.job.job)! }));
  const [first] = own.values();
  for (const trial of others) candidates.push(await answersOf(trial, first!));
  const { kept, common, notCompared } = comparable(candidates, ({ timestamps }) => [...timestamps], "rows");
  const rows = commonRows(kept.map(({ by }) => by));
  if (rows.timestamps.length !== common.size) throw new Error("common rows are not those that were taken in");
  const block = blockLength(durationsOf(rows), rows.timestamps.length);
  return {
    compared: kept.map(named),
    notCompared,
    basis: "log_loss",
    results: blockGains(rows, block),
    block,
    sessionsPerYear: null,
  };
}

/** Another run's answers, if they are to the same question as ours. */
async function answersOf(trial: Trial, ours: RowResults): Promise<Candidate<RowResults>> {
  if (trial.report === null) return { trial, reason: UNREADABLE };
  try {
    const by = await resultsOf(trial.run, trial.job, "oof");
    return sameLabels(ours, by) ? { trial, by } : { trial, reason: "its labels are others" };
  } catch (error) {
    if (!(error instanceof FoldwiseError)) throw error;
    return { trial, reason: "its answers cannot be read" };
  }
}

/** Those that cover enough of the first one's periods together. */
function comparable<T>(
  candidates: readonly Candidate<T>[],
  periodsOf: (by: T) => readonly (string | number)[],
  what: string,
): { kept: { trial: Trial; by: T }[]; common: ReadonlySet<string | number>; notCompared: Choice["not_compared"] } {
  const able = candidates.filter((each) => "by" in each);
  const { kept, common } = commonPeriods(able.map(({ by }) => periodsOf(by)));
  const unable = [
    ...candidates.filter((each) => "reason" in each),
    ...able
      .filter((_, i) => !kept.includes(i))
      .map(({ trial }) => ({ trial, reason: `less than half of this run's ${what} in common with it and the others` })),
  ];
  return {
    kept: kept.map((i) => able[i]!),
    common,
    notCompared: unable.map(({ trial, reason }) => ({ ...named({ trial }), reason })),
  };
}

const named = ({ trial: { run, job } }: { trial: Trial }): ChoiceInput["compared"][number] => ({
  run_id: run.id,
  model_name: job.model,
});
