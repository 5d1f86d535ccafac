import { type AuditRows, type Finding, finding } from "../subject.js";
import { list, number } from "../words.js";
import { type Candidates, moments, type RowSet } from "./rowSets.js";

/** Rows with the very same value before it looks like a filling. */
const FILLED = 5;
/** Of the other values: with fewer different ones, a common value is nothing to wonder at. */
const DIFFERENT = 0.5;
/** Of the deviation, and of the value itself: what rounding to float32 moves a mean or a median by. */
const NEAR = { deviation: 1e-6, value: 2e-7 };

/** Features that are filled with a statistic of rows outside of the training part, by split and row set. */
export class Fillings {
  private readonly found: { feature: number; rows: number; what: string; set: string; split: string }[] = [];

  constructor(
    private readonly source: AuditRows,
    private readonly candidates: readonly Candidates[],
  ) {}

  /** A value that many rows share is compared with mean and median of the others, over each row set. */
  visit(feature: number, values: Float32Array): void {
    const common = commonValue(values);
    // In a market that stands still many returns are 0, in the midst of the others: such round values are no filling.
    if (common === null || Number.isInteger(1000 * common.value)) return;
    for (const { split, inside, outside } of this.candidates) {
      if (inside.some((set) => statisticOf(values, set, common.value) !== null)) continue;
      for (const set of outside) {
        const what = statisticOf(values, set, common.value);
        if (what === null) continue;
        this.found.push({ feature, rows: common.rows, what, set: set.name, split });
        break;
      }
    }
  }

  findings(): Finding[] {
    const groups = new Map<string, typeof this.found>();
    for (const each of this.found) {
      const key = JSON.stringify([each.split, each.set, each.what]);
      groups.set(key, [...(groups.get(key) ?? []), each]);
    }
    return [...groups.values()].map((group) => {
      const { split, set, what, feature } = group[0]!;
      const rows = group.reduce((sum, each) => sum + each.rows, 0);
      const names = group.map((each) => this.source.features[each.feature]!);
      return finding(
        "scaling",
        what === "mean" || group.length > 1 ? "certain" : "suspect",
        `Missing values of ${number(group.length)} feature${group.length === 1 ? "" : "s"} (${number(rows)} values) were filled with the ${what} of ${set}, not of ${split}: ${list(names)}.`,
        "Fill in by the training rows of each split alone, or leave values missing: models that need them filled do it themselves.",
        {
          split,
          feature: this.source.features[feature]!,
          evidence: { features: group.length, values: rows, statistic: what, statistic_of: set },
        },
      );
    });
  }
}

/** The most frequent value, where it stands out among values that are mostly different. */
function commonValue(values: Float32Array): { value: number; rows: number } | null {
  const sorted = values.slice().sort();
  let best = { value: Number.NaN, rows: 0 };
  let different = 0;
  let known = 0;
  for (let from = 0; from < sorted.length; ) {
    const value = sorted[from]!;
    if (Number.isNaN(value)) break;
    let to = from + 1;
    while (to < sorted.length && sorted[to] === value) to++;
    different++;
    known = to;
    if (to - from > best.rows) best = { value, rows: to - from };
    from = to;
  }
  return best.rows >= FILLED && different - 1 >= DIFFERENT * (known - best.rows) ? best : null;
}

/** `mean` or `median` of the set's other values, if that is what the value is. */
function statisticOf(values: Float32Array, { rows }: RowSet, value: number): "mean" | "median" | null {
  const taken = rows === null ? values : Float32Array.from(rows, (row) => values[row]!);
  const others = taken.filter((each) => each !== value && !Number.isNaN(each));
  if (others.length < 20 || others.length === taken.length) return null;
  const { mean, deviation } = moments(others, null);
  const near = NEAR.deviation * deviation + NEAR.value * Math.abs(value);
  if (Math.abs(mean - value) <= near) return "mean";
  return isMedian(others, value, near) ? "median" : null;
}

/** Of an odd number of values the median is one of them, and stands among the fillings: then as many others lie below as above. */
function isMedian(others: Float32Array, value: number, near: number): boolean {
  const sorted = others.sort();
  const [lower, upper] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!];
  if (Math.abs((lower + upper) / 2 - value) <= near) return true;
  return sorted.length % 2 === 0 && lower < value && value < upper;
}
