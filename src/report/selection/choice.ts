import { z } from "zod";
import { evaluateSelection, type Overfitting } from "../../evaluation/index.js";
import { figure, whole } from "../table.js";

const count = z.int().nonnegative();
const text = z.string();
const configuration = z.strictObject({ run_id: text, model_name: text });

/** Among how many configurations a run's best was found, and what that does to its figures. Out-of-fold answers only. */
export const choiceSchema = z.strictObject({
  configurations: z
    .strictObject({
      of_this_run: count,
      of_other_runs: count.describe(
        "Of the runs folder: same symbol and horizon, and tested at some of the same time.",
      ),
      prior_trials: count.describe("--prior-trials, of this run or of those counted: the most."),
      of_studies: count.default(0).describe("Trials of tuning studies of the runs folder, each study once."),
      effective: z
        .number()
        .nonnegative()
        .describe(
          "How many independent ones they are worth: by the correlation of their results, the others as whole ones.",
        ),
      mean_correlation: z.number().nullable(),
    })
    .describe("Each once, however often it was run."),
  damaged_runs: z.array(text).describe("Runs that cannot be read, and so are not counted."),
  basis: z
    .enum(["net", "gross", "log_loss"])
    .describe(
      "Results: trading's by session, net or gross of costs; or gains in log-loss over the class shares, by block.",
    ),
  periods: count.describe("Common to all that are compared: sessions, or blocks of rows."),
  block: count.nullable().describe("log_loss: rows a block."),
  compared: z
    .array(configuration.extend({ score: z.number().nullable() }))
    .describe("Score: Sharpe ratio of one session, null where nothing varies; log_loss: the mean gain, nats."),
  not_compared: z.array(configuration.extend({ reason: text })).describe("Counted all the same, as independent ones."),
  overfitting: z
    .strictObject({
      probability: z.number().min(0).max(1),
      blocks: count,
      splits: count,
      periods: count.describe("What does not fill the blocks is left out at the end."),
    })
    .nullable()
    .describe("Probability of backtest overfitting by CSCV: Bailey, Borwein, López de Prado and Zhu, 2015."),
  no_overfitting_because: text.nullable(),
  deflated_sharpe: z
    .strictObject({
      best: configuration,
      probability: z.number().min(0).max(1).nullable().describe("That its true Sharpe ratio is above `expected`."),
      sharpe: z.number().describe("Of one session, as is `expected`."),
      expected: z.number().describe("The best to be expected of as many worthless configurations."),
      sessions_per_year: count,
      skew: z.number(),
      kurtosis: z.number(),
    })
    .nullable()
    .describe("Bailey and López de Prado, The Deflated Sharpe Ratio, 2014."),
  no_deflated_sharpe_because: text.nullable(),
});
export type Choice = z.infer<typeof choiceSchema>;

export interface ChoiceInput {
  ofThisRun: number;
  /** Configurations whose results are known on common periods, in the order of `results`; this run's are among them. */
  compared: readonly { run_id: string; model_name: string }[];
  notCompared: Choice["not_compared"];
  priorTrials: number;
  /** Trials of tuning studies. */
  studyTrials: number;
  damaged: readonly string[];
  basis: Choice["basis"];
  /** Of each that is compared (T): results of the same periods, in time order; above is better. */
  results: readonly Float64Array[];
  /** log_loss: rows a block. */
  block: number | null;
  /** Of trading. */
  sessionsPerYear: number | null;
  /** Why there is no deflated Sharpe ratio although there may be configurations enough. */
  noTradingBecause: string | null;
}

/** Sessions of a block at least: a Sharpe ratio of fewer says nothing. */
const SHORTEST = 5;
/** So many sessions are needed: four blocks. */
export const FEWEST_SESSIONS = 4 * SHORTEST;

/** Fewer than 252 splits, of 10 blocks, are told as coarse. */
const FINE_BLOCKS = 10;

/** @param input With one period at least. */
export function buildChoice(input: ChoiceInput): Choice {
  const { compared, notCompared, priorTrials, studyTrials, basis, results, block, sessionsPerYear } = input;
  const score = basis === "log_loss" ? "mean" : "sharpe";
  const periods = results[0]!.length;
  const found = evaluateSelection({
    results,
    others: notCompared.length + priorTrials + studyTrials,
    score,
    shortest: score === "sharpe" ? SHORTEST : 1,
  });
  const { overfitting, deflated } = found;
  return {
    configurations: {
      of_this_run: input.ofThisRun,
      of_other_runs: compared.length + notCompared.length - input.ofThisRun,
      prior_trials: priorTrials,
      of_studies: studyTrials,
      effective: found.effective,
      mean_correlation: found.meanCorrelation,
    },
    damaged_runs: [...input.damaged],
    basis,
    periods,
    block,
    compared: compared.map((each, m) => ({ ...each, score: found.scores[m]! })),
    not_compared: [...notCompared],
    overfitting: overfitting === null ? null : overfittingJson(overfitting),
    no_overfitting_because:
      overfitting !== null
        ? null
        : compared.length < 2
          ? "one configuration: nothing was chosen among others whose results are known"
          : `too few ${score === "sharpe" ? "sessions" : "blocks of rows"}: ${periods}`,
    deflated_sharpe:
      deflated === null
        ? null
        : {
            best: compared[deflated.best]!,
            probability: deflated.probability,
            sharpe: deflated.sharpe,
            expected: deflated.expected,
            sessions_per_year: sessionsPerYear ?? 0,
            skew: deflated.skew,
            kurtosis: deflated.kurtosis,
          },
    no_deflated_sharpe_because:
      deflated !== null ? null : (input.noTradingBecause ?? "no configuration's results vary"),
  };
}

const overfittingJson = ({ pbo, blocks, splits, periods }: Overfitting): NonNullable<Choice["overfitting"]> => ({
  probability: pbo,
  blocks,
  splits,
  periods,
});

/** The section "Selection" of a report. */
export function formatChoice(choice: Choice): string {
  const { of_this_run, of_other_runs, prior_trials, of_studies, effective, mean_correlation } = choice.configurations;
  const total = of_this_run + of_other_runs + prior_trials + of_studies;
  const parts = [
    `${whole(of_this_run)} of this run`,
    ...(of_other_runs === 0 ? [] : [`${whole(of_other_runs)} of other runs`]),
    ...(of_studies === 0 ? [] : [`${whole(of_studies)} trials of tuning studies`]),
    ...(prior_trials === 0 ? [] : [`${whole(prior_trials)} by --prior-trials`]),
  ];
  const alike = mean_correlation === null ? "" : ` (mean correlation ${figure(mean_correlation, 2)})`;
  return [
    `Selection: ${whole(total)} configuration${total === 1 ? "" : "s"} tried (${parts.join(", ")}), worth ${figure(effective, 1)} independent ones${alike}.`,
    `  ${overfittingLine(choice)}`,
    `  ${deflatedLine(choice)}`,
    ...notComparedLines(choice),
    ...(choice.damaged_runs.length === 0
      ? []
      : [`  Not counted, for they cannot be read: ${choice.damaged_runs.join(", ")}`]),
  ].join("\n");
}

function overfittingLine({ overfitting, no_overfitting_because, basis, block, compared }: Choice): string {
  if (overfitting === null) return `Probability of backtest overfitting: not computed, ${no_overfitting_because}.`;
  const { probability, blocks, splits, periods } = overfitting;
  const of =
    basis === "log_loss"
      ? `log-loss of ${whole(periods)} blocks of ${whole(block ?? 0)} rows`
      : `${basis} Sharpe ratio of ${whole(periods)} sessions`;
  return `Probability of backtest overfitting ${figure(probability, 2)}: ${whole(compared.length)} compared by ${of}, ${whole(splits)} splits of ${blocks} parts${blocks < FINE_BLOCKS ? ": coarse" : ""}.`;
}

function deflatedLine({ deflated_sharpe, no_deflated_sharpe_because, configurations }: Choice): string {
  if (deflated_sharpe === null) return `Deflated Sharpe ratio: not computed, ${no_deflated_sharpe_because}.`;
  const { best, probability, sharpe, expected, sessions_per_year } = deflated_sharpe;
  const yearly = (ratio: number): string => figure(ratio * Math.sqrt(sessions_per_year), 2);
  const among =
    configurations.effective > 1
      ? `the best of ${figure(configurations.effective, 1)} worthless ones would reach ${yearly(expected)}`
      : "one configuration, so 0 is what it has to exceed";
  const shown = probability === null ? "not known" : figure(probability, 2);
  return `Deflated Sharpe ratio ${shown}: ${best.model_name} (${best.run_id}) has ${yearly(sharpe)} a year; ${among}.`;
}

function notComparedLines({ not_compared }: Choice): string[] {
  const reasons = new Map<string, string[]>();
  for (const { run_id, model_name, reason } of not_compared)
    reasons.set(reason, [...(reasons.get(reason) ?? []), `${model_name} (${run_id})`]);
  return [...reasons].map(([reason, names]) => `  Counted, not compared (${reason}): ${names.join(", ")}`);
}
