import { Calendar, UNKNOWN_HOURS } from "../market/index.js";
import { MICROS_PER_MINUTE } from "../types/index.js";
import { candidatesOf } from "./candidates.js";
import { featuresConfigSchema } from "./config.js";
import { FEATURE_GROUPS } from "./definition.js";
import { durationText } from "./text.js";

export interface CatalogueRow {
  name: string;
  group: string;
  formula: string;
  /** `1h`; null for the base bars. */
  timeframe: string | null;
  /** Bars of its own timeframe. */
  lookback: number;
  /** Base bars. */
  warmup: number;
}

/** The features of the default configuration for base bars of a step (one minute when none is given). */
export function catalogue(step: number = MICROS_PER_MINUTE): CatalogueRow[] {
  const calendar = new Calendar(UNKNOWN_HOURS);
  return candidatesOf(featuresConfigSchema.parse({}), { step, calendar, outside: false }, [])
    .filter((candidate) => candidate.refusal === undefined)
    .map(({ name, timeframe, warmup, definition }) => ({
      name,
      group: definition.group,
      formula: definition.formula,
      timeframe,
      lookback: definition.lookback,
      warmup,
    }));
}

/** `docs/features.md`. */
export function catalogueMarkdown(): string {
  const rows = catalogue();
  const base = rows.filter((row) => row.timeframe === null);
  const timeframes = [...new Set(rows.flatMap((row) => row.timeframe ?? []))];
  const first = timeframes[0] ?? "";
  const higher = rows.filter((row) => row.timeframe === first);
  const warmupOf = (name: string) => rows.find((row) => row.name === name)?.warmup ?? 0;
  const daily = catalogue(MICROS_PER_MINUTE * 1440).length;
  return `${[
    "# Features",
    "",
    "<!-- Made from the code by `node scripts/feature-docs.mjs`; do not edit. -->",
    "",
    `With the default configuration one-minute bars have ${rows.length} features: ${base.length} on the base bars and ${higher.length} on completed bars of each of ${timeframes.join(", ")}. ` +
      `Daily bars have ${daily}. A feature whose warm-up exceeds 5 % of the rows is left out and listed by \`prepare\`.`,
    "",
    "- **Causal**: a value at a bar's close depends on that bar and earlier ones; a higher timeframe's bar counts once it is complete.",
    "- **Scale-free**: prices or volumes times a constant leave every value unchanged.",
    "- **Continuous**: features run on across gaps, pieces and changes of contract, as if the next bar followed; labels and windows stay within a piece.",
    "- **Look-back**: the bars of its own timeframe that a value depends on, the current one included, exactly. Exponential averages (EMA, Wilder) are cut where the remaining weight is under 1e-6.",
    "- **Warm-up**: the base bars that must have gone before; a stream started that many bars earlier gives the batch's value.",
    "- **Defined**: flat prices and bars without volume give the neutral value named in the formula, never NaN or infinity.",
    "",
    "Periods, groups and timeframes are set in `features:`; a pattern in `include` or `exclude` selects by name. ln is the natural logarithm; EMA_n has α = 2 / (n + 1), Wilder's average α = 1 / n.",
    "",
    "## On the base bars",
    "",
    ...FEATURE_GROUPS.flatMap((group) => [
      `### ${group}`,
      "",
      "| name | formula | look-back |",
      "|---|---|---|",
      ...base.filter((r) => r.group === group).map((r) => `| \`${r.name}\` | ${cell(r.formula)} | ${r.lookback} |`),
      "",
    ]),
    "The warm-up of a base feature is its look-back − 1. Clock features (group calendar, and `day_…`) exist where the bars have a regular step that is shorter than the cycle.",
    "",
    "## On higher timeframes",
    "",
    `Names carry the timeframe: \`${first}_${higher[0]?.name.slice(first.length + 1) ?? ""}\`. Bars count from the session's open on the exchange's clock, the last one ends with the session, and \`1d\` is a session; a value holds until the next bar of its timeframe is complete. The warm-up is given in base bars, here of ${durationText(MICROS_PER_MINUTE)}: (look-back + 1) × bars a bucket.`,
    "",
    `| name | formula, in bars of the timeframe | look-back |${timeframes.map((t) => ` warm-up ${t} |`).join("")}`,
    `|---|---|---|${timeframes.map(() => "---|").join("")}`,
    ...higher.map((r) => {
      const name = r.name.slice(first.length + 1);
      const warmups = timeframes.map((t) => ` ${warmupOf(`${t}_${name}`)} |`).join("");
      return `| \`…_${name}\` | ${cell(r.formula)} | ${r.lookback} |${warmups}`;
    }),
  ].join("\n")}\n`;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
