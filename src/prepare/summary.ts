import { type BarsFile, formatStamp, keysToSnake } from "../data/index.js";
import type { FeaturePlan, LeftOutFeature } from "../features/index.js";
import { calendarSentence, type Pieces } from "../market/index.js";
import { PART_NAMES, type PartName, type PipelineSpec, type RowRange } from "../types/index.js";
import type { HorizonSummary, LabelledRows } from "./label-rows.js";
import type { MarketBars } from "./market.js";

export interface PartSummary extends RowRange {
  part: PartName;
  /** Close stamps of its first and last row, ISO 8601. */
  from: string;
  to: string;
}

/** Everything that became of the bars: `--json` prints it, `formatSummary` writes it for people. */
export interface PrepareSummary {
  symbol: string;
  synthetic: boolean;
  source: BarsFile["source"];
  barTime: PipelineSpec["barTime"];
  timeZone: string;
  /** What dates such as 03/04/2024 were taken for, and why; null where there are none. */
  dateOrder: BarsFile["dateOrder"];
  /** Modal step in microseconds; null for irregular bars. */
  step: number | null;
  /** What a trading day is taken to be. */
  calendar: string;
  /** Bars outside of every session, and what became of them. */
  outside: { bars: number; rule: PipelineSpec["outsideSession"] };
  /** Changes of contract, and how their prices were joined. */
  rolls: {
    adjust: PipelineSpec["adjust"];
    /** Of those listed in a file, before the first bar or after the last: no changes within the bars. */
    beyond: number;
    list: { at: string; from: string; to: string; oldPrice: number; newPrice: number; prices: "given" | "spliced" }[];
  };
  rows: { bars: number; lostToWarmup: number; written: number };
  /** `rolls`: unadjusted changes of contract, each of which starts a new piece. */
  gaps: { pieces: number; bridged: Pieces["bridged"]; breaks: number; rolls: number; rule: string };
  features: { count: number; warmup: number; longest: string; leftOut: LeftOutFeature[] };
  labels: { entry: PipelineSpec["labels"]["entry"]; atrPeriod: number; horizons: HorizonSummary[] };
  parts: PartSummary[];
  files: string[];
  warnings: string[];
}

export interface SummaryInput {
  market: MarketBars;
  pieces: Pieces;
  plan: FeaturePlan;
  labelled: LabelledRows;
  parts: Record<PartName, RowRange>;
  pipeline: PipelineSpec;
  files: string[];
}

export function summarise({ market, pieces, plan, labelled, parts, pipeline, files }: SummaryInput): PrepareSummary {
  const { file, bars, outside, rolls, beyond } = market;
  const { n, timestamp } = bars;
  const stamp = (row: number): string => isoTime(timestamp[row + plan.warmup]!);
  const longest = plan.features.find((feature) => feature.warmup === plan.warmup);
  return {
    symbol: pipeline.symbol,
    synthetic: pipeline.synthetic,
    source: file.source,
    barTime: pipeline.barTime,
    timeZone: pipeline.timeZone,
    dateOrder: file.dateOrder,
    step: pipeline.step,
    calendar: calendarSentence(market.calendar),
    outside: { bars: outside, rule: pipeline.outsideSession },
    rolls: {
      adjust: pipeline.adjust,
      beyond,
      list: rolls.map(({ timestamp: at, from, to, oldPrice, newPrice, prices }) => ({
        at: formatStamp(at),
        from,
        to,
        oldPrice,
        newPrice,
        prices,
      })),
    },
    rows: { bars: n, lostToWarmup: plan.warmup, written: n - plan.warmup },
    gaps: {
      pieces: pieces.count,
      bridged: pieces.bridged,
      breaks: pieces.breaks,
      rolls: pieces.rolls,
      rule: pieces.rule,
    },
    features: {
      count: plan.features.length,
      warmup: plan.warmup,
      longest: longest?.name ?? "",
      leftOut: plan.leftOut,
    },
    labels: { entry: pipeline.labels.entry, atrPeriod: pipeline.labels.atrPeriod, horizons: labelled.summaries },
    parts: PART_NAMES.map((part) => {
      const range = parts[part];
      return { part, ...range, from: stamp(range.start), to: stamp(range.end - 1) };
    }),
    files,
    warnings: labelled.summaries.flatMap(({ statistics }) => statistics.flatMap(({ warnings }) => warnings)),
  };
}

/** What `--json` prints: the summary with snake_case keys. */
export function summaryToJson(summary: PrepareSummary): object {
  return Object.assign({}, keysToSnake(summary));
}

/** `2024-01-02T15:30:00Z` */
function isoTime(micros: number): string {
  return new Date(micros / 1000).toISOString().replace(/\.000Z$/, "Z");
}
