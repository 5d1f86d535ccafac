import { z } from "zod";
import {
  blockBootstrap,
  blockLength,
  bootstrapOf,
  type CoverageReport,
  coverageReport,
  type Interval,
  NO_TRADE,
} from "../evaluation/index.js";
import type { Timestamps } from "../types/index.js";
import { figure, percent, table, whole } from "./table.js";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const text = z.string();
const interval = z.tuple([z.number(), z.number()]);
const threeOrNull = z.tuple([z.number().nullable(), z.number().nullable(), z.number().nullable()]);
const coverageSchema = z.strictObject({
  coverage: share.describe("Share of the rows whose set holds the true class."),
  interval: interval.describe("95 %, circular block bootstrap."),
  over_time: z
    .array(z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), rows: count, coverage: share }))
    .describe("Consecutive slices of the rows."),
  by_class: z.array(
    z.strictObject({
      class: z.union([z.literal(-1), z.literal(0), z.literal(1)]),
      rows: count,
      coverage: share.nullable(),
    }),
  ),
  mean_size: z.number().min(0).max(3).describe("Classes a set."),
  empty_share: share,
  single_share: share.describe("Sets of one class."),
  single_coverage: share.nullable().describe("Of them, those with the true class: nothing is promised of it."),
});

const tradesSchema = z.strictObject({
  rows: count.describe("Rows with a signal to go long or short, a return and, where costs are known, a price."),
  hit_rate: share.nullable().describe("Share of them that gain, net of costs where these are known."),
  mean_gross: z.number().nullable().describe("Mean return of such a row, a fraction of the price at entry."),
  mean_net: z.number().nullable().describe("Null where no costs are known."),
  interval: interval
    .nullable()
    .describe("95 %, circular block bootstrap, of mean_net where costs are known, else of mean_gross."),
});

const decidedPartSchema = z.strictObject({
  rows: count,
  bootstrap: z
    .strictObject({ block: count, blocks: count, resamples: count, unreliable: z.boolean() })
    .describe("Of the intervals; unreliable: fewer than 10 blocks."),
  sets: coverageSchema.nullable(),
  signals: z.strictObject({ short: count, flat: count, long: count, no_trade: count }),
  trades: tradesSchema
    .nullable()
    .describe("Each signalled row by itself: they overlap, and are no backtest. Null without returns."),
});

export const decisionSchema = z.strictObject({
  level: z.number().gt(0).lt(1).describe("The promise: share of rows whose set is to hold the true class."),
  sets: z
    .strictObject({
      method: z.enum(["plain", "class_conditional", "adaptive"]),
      rows: count.describe("Calibrate rows that the thresholds were fitted on."),
      thresholds: threeOrNull.describe(
        "As served: class −1, 0, 1 is in the set where 1 − p is at most this; null: always.",
      ),
    })
    .nullable()
    .describe("Null: too few labels to fit anything."),
  signal: z.strictObject({
    rule: z.enum(["expected_value", "probability", "set_size"]),
    threshold: z.number().nullable(),
    class_returns: threeOrNull.nullable().describe("Mean return of a long position by class, on the calibrate rows."),
    cost: z.number().nullable().describe("What a round trip costs, as a return; null: not known, or not asked for."),
  }),
  calibrate: decidedPartSchema.describe("Each row by what had not seen its label."),
  test: decidedPartSchema.nullable().describe("Null where the test part was left closed."),
  notices: z.array(text).describe("What could not be done as configured, and why."),
});
export type DecisionReport = z.infer<typeof decisionSchema>;

/** Rows of a part, in time order, with what was decided. */
export interface DecidedPart {
  /** (N) */
  timestamps: Timestamps;
  /** (N) in −1, 0, 1. */
  y: Int8Array;
  /** (N) label durations in bars. */
  durations: ArrayLike<number>;
  /** (N, 3) of 0 and 1. */
  sets: Uint8Array | null;
  /** (N) in −1, 0, 1, `NO_TRADE`. */
  signals: Int8Array;
  /** (N) of a long position, NaN where unknown. */
  returns: Float32Array | null;
  /** (N) what a round trip costs, as a return, NaN where unknown. */
  costs: Float64Array | null;
}

/** What was decided, and how, as the trainer knows it. */
export interface DecisionFacts {
  level: number;
  sets: DecisionReport["sets"];
  signal: DecisionReport["signal"];
  notices: readonly string[];
  calibrate: DecidedPart;
  test: DecidedPart | null;
}

export function buildDecision(facts: DecisionFacts | null, { seed }: { seed: number }): DecisionReport | null {
  if (facts === null) return null;
  const { level, sets, signal, notices, calibrate, test } = facts;
  const partOf = (part: DecidedPart): DecisionReport["calibrate"] => decidedPart(part, { level, seed });
  return {
    level,
    sets,
    signal,
    calibrate: partOf(calibrate),
    test: test === null || test.y.length === 0 ? null : partOf(test),
    notices: [...notices],
  };
}

function decidedPart(part: DecidedPart, options: { level: number; seed: number }): DecisionReport["calibrate"] {
  const { y, sets, durations, signals, timestamps } = part;
  const said = (signal: number): number => signals.reduce((n, each) => (each === signal ? n + 1 : n), 0);
  return {
    rows: y.length,
    bootstrap: bootstrapOf(y.length, { block: blockLength(durations, y.length) }),
    sets: sets === null ? null : coverageJson(coverageReport({ y, sets, durations }, options), timestamps),
    signals: { short: said(-1), flat: said(0), long: said(1), no_trade: said(NO_TRADE) },
    trades: part.returns === null ? null : tradesOf({ ...part, returns: part.returns }, options.seed),
  };
}

function coverageJson(report: CoverageReport, timestamps: Timestamps): z.infer<typeof coverageSchema> {
  const iso = (row: number): string => new Date(timestamps[row]! / 1000).toISOString();
  return {
    coverage: report.coverage,
    interval: pair(report.interval),
    over_time: report.slices.map(({ start, end, coverage }) => ({
      from: iso(start),
      to: iso(end - 1),
      rows: end - start,
      coverage,
    })),
    by_class: report.byClass.map(({ label, ...rest }) => ({ class: label, ...rest })),
    mean_size: report.meanSize,
    empty_share: report.emptyShare,
    single_share: report.singleShare,
    single_coverage: report.singleCoverage,
  };
}

/** Mean result of the rows with a signal. Its interval is that of a ratio: results over rows traded, linearised. */
function tradesOf(
  { signals, returns, costs, durations }: DecidedPart & { returns: Float32Array },
  seed: number,
): z.infer<typeof tradesSchema> {
  const n = signals.length;
  const traded = new Float64Array(n);
  const results = new Float64Array(n);
  let [rows, gross, paid, wins] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const cost = costs === null ? 0 : costs[i]!;
    if (signals[i] === 0 || signals[i] === NO_TRADE || Number.isNaN(returns[i]! + cost)) continue;
    const own = signals[i]! * returns[i]!;
    traded[i] = 1;
    results[i] = own - cost;
    rows++;
    gross += own;
    paid += cost;
    if (own - cost > 0) wins++;
  }
  if (rows === 0) return { rows, hit_rate: null, mean_gross: null, mean_net: null, interval: null };
  const mean = (gross - paid) / rows;
  const linear = results.map((result, i) => mean + ((result - mean * traded[i]!) * n) / rows);
  const { intervals } = blockBootstrap({ linear }, { block: blockLength(durations, n), seed });
  return {
    rows,
    hit_rate: wins / rows,
    mean_gross: gross / rows,
    mean_net: costs === null ? null : mean,
    interval: pair(intervals.linear),
  };
}

const pair = ({ lower, upper }: Interval): [number, number] => [lower, upper];

const METHODS = {
  plain: "plain",
  class_conditional: "each class by itself",
  adaptive: "adaptive, by labels known at each row",
} as const;

/** Sets and signals of the rows that are open, for the terminal. */
export function formatDecision(decision: DecisionReport | null): string {
  if (decision === null) return "";
  const parts = (["test", "calibrate"] as const).flatMap((name) => {
    const part = decision[name];
    return part === null ? [] : [{ name, ...part }];
  });
  return [...setLines(decision, parts), ...signalLines(decision, parts), ...decision.notices].join("\n");
}

type NamedPart = DecisionReport["calibrate"] & { name: string };

function setLines({ level, sets }: DecisionReport, parts: readonly NamedPart[]): string[] {
  if (sets === null) return ["Prediction sets: none."];
  // What is promised of each class is shown of each.
  const each = sets.method === "class_conditional";
  const lines = parts.flatMap(({ name, bootstrap, sets: own }) => {
    if (own === null) return [];
    const slices = own.over_time.map(({ coverage }) => coverage);
    return [
      [
        name,
        percent(own.coverage),
        `[${own.interval.map(percent).join(", ")}]`,
        ...(each ? own.by_class.map(({ coverage }) => shareOf(coverage)) : []),
        `${percent(Math.min(...slices))} to ${percent(Math.max(...slices))}`,
        figure(own.mean_size, 2),
        percent(own.single_share),
        shareOf(own.single_coverage),
        percent(own.empty_share),
        ...unreliable(bootstrap),
      ],
    ];
  });
  return [
    `Prediction sets (${METHODS[sets.method]}): ${percent(level)} promised`,
    table([
      ["", "covered", "95 %", ...(each ? ["−1", "0", "1"] : []), "over time", "classes", "one class", "right", "empty"],
      ...lines,
    ]),
  ];
}

function signalLines({ signal }: DecisionReport, parts: readonly NamedPart[]): string[] {
  const lines = parts.map(({ name, bootstrap, signals, trades }) => [
    name,
    whole(signals.long),
    whole(signals.short),
    whole(signals.flat),
    whole(signals.no_trade),
    returned(trades?.mean_net ?? null),
    returned(trades?.mean_gross ?? null),
    trades === null || trades.interval === null
      ? "–"
      : `[${trades.interval.map(returned).join(", ")}]${trades.mean_net === null ? " gross" : ""}`,
    ...(trades === null || trades.interval === null ? [] : unreliable(bootstrap)),
  ]);
  return [
    `Signals by ${RULES[signal.rule](signal)}`,
    table([["", "long", "short", "flat", "no trade", "a signal, net", "gross", "95 %"], ...lines]),
  ];
}

const RULES = {
  expected_value: ({ cost }: DecisionReport["signal"]) =>
    cost === null ? "expected value, before costs" : `expected value beyond ${returned(cost)} a round trip`,
  probability: ({ threshold }: DecisionReport["signal"]) => `a probability of at least ${threshold}`,
  set_size: () => "sets of one class",
};

const shareOf = (value: number | null): string => (value === null ? "–" : percent(value));
const unreliable = ({ unreliable: few, blocks }: NamedPart["bootstrap"]): string[] =>
  few ? [`unreliable: ${blocks} block${blocks === 1 ? "" : "s"}`] : [];
const returned = (value: number | null): string => (value === null ? "–" : `${figure(100 * value, 4)} %`);
