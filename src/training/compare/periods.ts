/** Configurations that have periods in common. */
export interface CommonPeriods {
  /** Numbers of those taken in, ascending; the others cover too little. */
  kept: number[];
  /** Of all that were taken in: at least half of the first's. */
  common: Set<string | number>;
}

/**
 * Takes in as many configurations as leave half of the first's periods common to all: one that tested a short time only must
 * not take the others' comparison away. Those that cover most come first.
 *
 *   first   ██████████
 *   a         ████████   taken
 *   b       ██████       not: with a it would leave four of ten
 *
 * @param periods Of each configuration, e.g. dates of sessions; the first's are those of the run that asks.
 */
export function commonPeriods(periods: readonly (readonly (string | number)[])[]): CommonPeriods {
  const [first = [], ...others] = periods;
  let common = new Set(first);
  const kept = [0];
  const overlaps = others.map((own, i) => ({
    own,
    number: i + 1,
    overlap: own.filter((key) => common.has(key)).length,
  }));
  overlaps.sort((a, b) => b.overlap - a.overlap || a.number - b.number);
  for (const { own, number } of overlaps) {
    const next = new Set(own.filter((key) => common.has(key)));
    if (next.size === 0 || 2 * next.size < first.length) continue;
    common = next;
    kept.push(number);
  }
  return { kept: kept.sort((a, b) => a - b), common };
}
