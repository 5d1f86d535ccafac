import { orderInWords } from "../data/index.js";
import { DURATION_QUANTILES, type LabelStatistics, type LostLabels } from "../labels/index.js";
import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND } from "../types/index.js";
import type { HorizonSummary } from "./label-rows.js";
import type { PrepareSummary } from "./summary.js";

/** The summary as a person reads it: lines without a trailing line break. */
export function formatSummary(summary: PrepareSummary): string {
  const { symbol, synthetic, rows, features, gaps, labels, parts, files, warnings } = summary;
  const rolls = gaps.rolls === 0 ? "" : `, so do ${count(gaps.rolls)} changes of contract (not adjusted)`;
  const { outside } = summary;
  const lines = [
    `${symbol}${synthetic ? " (SYNTHETIC bars)" : ""}: ${count(rows.bars)} bars of ${stepText(summary.step)} from ${summary.source.path}`,
    field(
      "Time",
      `stamps name the bar's ${summary.barTime}, zone ${summary.timeZone}${orderText(summary)}. ${summary.calendar}`,
    ),
    field(
      "Rows",
      `${count(rows.written)} written, ${count(rows.lostToWarmup)} lost to the features' warm-up (longest: ${features.longest})`,
    ),
    field(
      "Gaps",
      `${count(gaps.bridged.holes)} bridged (${count(gaps.bridged.bars)} bars missing), ${count(gaps.breaks)} break the series${rolls}: ${count(gaps.pieces)} piece${gaps.pieces === 1 ? "" : "s"}. ${gaps.rule}`,
    ),
    ...(outside.bars === 0
      ? []
      : [
          field(
            "Outside",
            `${count(outside.bars)} bars outside of every session, ${outside.rule === "drop" ? "dropped" : "kept"}`,
          ),
        ]),
    ...(summary.rolls.list.length + summary.rolls.beyond === 0 ? [] : [field("Rolls", rollsText(summary))]),
    field("Features", `${features.count}${leftOutText(summary)}`),
    ...parts.map(({ part, start, end, from, to }, i) =>
      field(i === 0 ? "Parts" : "", `${part.padEnd(5)} ${count(end - start).padStart(9)} rows  ${from} to ${to}`),
    ),
    field(
      "Labels",
      `triple barrier, entry at ${labels.entry === "next_open" ? "the next bar's open" : "the bar's close"}, ATR(${labels.atrPeriod}), ` +
        labels.horizons.map(({ horizon, k }) => `h${horizon} k=${k}`).join(", "),
    ),
    ...labels.horizons.map((horizon) => field("", lostText(horizon))),
    "",
    ...table(labels.horizons.flatMap(({ statistics }) => statistics)),
    "",
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...files.map((file) => `Written: ${file}`),
  ];
  return lines.join("\n");
}

function orderText({ dateOrder }: PrepareSummary): string {
  if (dateOrder === null) return "";
  return `, dates ${orderInWords(dateOrder.order)}${dateOrder.by === "guessed" ? " (guessed: only so are the rows in time order)" : ""}`;
}

/** Where the texts of fields begin. */
const INDENT = " ".repeat(12);

function field(name: string, text: string): string {
  return `  ${name.padEnd(9)} ${text}`;
}

function rollsText({ rolls: { adjust, list, beyond } }: PrepareSummary): string {
  const unused = beyond === 0 ? "" : `${count(beyond)} listed before or after all bars`;
  if (list.length === 0) return unused;
  const guessed = list.filter(({ prices }) => prices === "spliced").length;
  const how = adjust === "none" ? "not adjusted" : `joined by ${adjust}, at the first contract's level`;
  const said =
    adjust === "none" || guessed === 0
      ? ""
      : `; ${count(guessed)} by the old one's last close and the new one's first open: give --rolls with both prices at one moment to be exact`;
  return `${count(list.length)} changes of contract, ${how}${said}${unused === "" ? "" : `; ${unused}`}`;
}

const NAMES_SHOWN = 6;

/** Left-out features under their reasons; long lists are cut, `--json` has all. */
function leftOutText({ features: { leftOut } }: PrepareSummary): string {
  if (leftOut.length === 0) return ", none left out";
  const reasons = new Map<string, string[]>();
  for (const { name, kind, reason } of leftOut) {
    const group = kind === "warmup" ? "warm-up of more than 5 % of the rows" : reason;
    reasons.set(group, [...(reasons.get(group) ?? []), name]);
  }
  const lines = [...reasons].map(([reason, names]) => {
    const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : "";
    return `\n${INDENT}${reason}: ${names.slice(0, NAMES_SHOWN).join(", ")}${more}`;
  });
  return `, ${leftOut.length} left out:${lines.join("")}`;
}

function lostText({ horizon, lost }: HorizonSummary): string {
  const reasons: Record<keyof LostLabels, string> = {
    warmup: "before the ATR",
    gaps: "before gaps",
    end: "at the end",
    session: "at the end of sessions",
    flat: "in a market that stood still",
  };
  const parts = (Object.keys(reasons) as (keyof LostLabels)[])
    .filter((reason) => lost[reason] > 0)
    .map((reason) => `${count(lost[reason])} ${reasons[reason]}`);
  return `h${horizon}: rows without a label: ${parts.length === 0 ? "none" : parts.join(", ")}`;
}

const QUANTILE_TITLE = `bars to exit (${DURATION_QUANTILES.map((q) => 100 * q).join("/")} %)`;
const TITLES = ["h", "part", "labels", "short", "neutral", "long", QUANTILE_TITLE, "both", "gap", "uniqueness"];

/** A row a horizon and part; numbers to the right. */
function table(statistics: LabelStatistics[]): string[] {
  const cells = statistics.map((s) => [
    String(s.horizon),
    s.part,
    count(s.labelled),
    percent(s.shares[-1]),
    percent(s.shares[0]),
    percent(s.shares[1]),
    s.durations.join("/"),
    percent(s.bothTouched),
    percent(s.gapThrough),
    s.meanUniqueness.toFixed(3),
  ]);
  const all = [TITLES, ...cells];
  const widths = TITLES.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => `  ${row.map((cell, column) => cell.padStart(widths[column]!)).join("  ")}`);
}

/** 104 000 */
function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function stepText(step: number | null): string {
  if (step === null) return "no regular length";
  const units = [
    ["d", MICROS_PER_DAY],
    ["h", MICROS_PER_HOUR],
    ["m", MICROS_PER_MINUTE],
    ["s", MICROS_PER_SECOND],
  ] as const;
  const [unit, size] = units.find(([, micros]) => step % micros === 0) ?? ["µs", 1];
  return `${step / size}${unit}`;
}
