/** One measurement of both sides under the same conditions of the machine. */
export interface Pairs {
  ours: number[];
  reference: number[];
}

/**
 * Measures `ours` and `reference` `count` times each, interleaved, each side going first in turn:
 * A B · B A · A B …, so that a slow drift of the machine meets both.
 */
export async function interleavedPairs(
  count: number,
  ours: (pair: number) => Promise<number>,
  reference: (pair: number) => Promise<number>,
): Promise<Pairs> {
  const pairs: Pairs = { ours: [], reference: [] };
  for (let pair = 0; pair < count; pair++) {
    if (pair % 2 === 0) pairs.ours.push(await ours(pair));
    pairs.reference.push(await reference(pair));
    if (pair % 2 === 1) pairs.ours.push(await ours(pair));
  }
  tell(pairs);
  return pairs;
}

/**
 * The same of work in `parts` steps, each measured on both sides before the next, again with each side first in turn: where a
 * measurement takes a minute, the machine drifts between two of them by more than is to be measured.
 */
export async function interleavedSteps(
  count: number,
  parts: number,
  ours: (pair: number, part: number) => Promise<number>,
  reference: (pair: number, part: number) => Promise<number>,
): Promise<Pairs> {
  const pairs: Pairs = { ours: [], reference: [] };
  for (let pair = 0; pair < count; pair++) {
    const sums = { ours: 0, reference: 0 };
    for (let part = 0; part < parts; part++) {
      const oursFirst = (pair + part) % 2 === 0;
      if (oursFirst) sums.ours += await ours(pair, part);
      sums.reference += await reference(pair, part);
      if (!oursFirst) sums.ours += await ours(pair, part);
    }
    pairs.ours.push(sums.ours);
    pairs.reference.push(sums.reference);
  }
  tell(pairs);
  return pairs;
}

function tell({ ours, reference }: Pairs): void {
  const list = (values: readonly number[]) => values.map((value) => value.toPrecision(3)).join(" ");
  console.error(`  ours ${list(ours)} · reference ${list(reference)}`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Seconds by the clock until `work` has settled. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
