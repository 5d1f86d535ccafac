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
  const list = (values: readonly number[]) => values.map((value) => value.toPrecision(3)).join(" ");
  console.error(`  ours ${list(pairs.ours)} · reference ${list(pairs.reference)}`);
  return pairs;
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
