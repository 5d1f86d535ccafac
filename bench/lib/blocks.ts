/**
 * Standard error of the mean of dependent values by batch means: the values fall into blocks of `length` positions (bars),
 * neighbouring blocks are taken as independent. `length` must be several times the dependence's reach.
 *
 * @param values (n)
 * @param positions (n), ascending: where each value stands in the series.
 * @returns NaN with fewer than two blocks.
 */
export function blockStandardError(values: Float64Array, positions: ArrayLike<number>, length: number): number {
  const sums = new Map<number, { sum: number; count: number }>();
  let total = 0;
  values.forEach((value, i) => {
    const block = Math.floor(positions[i]! / length);
    const entry = sums.get(block) ?? { sum: 0, count: 0 };
    entry.sum += value;
    entry.count++;
    sums.set(block, entry);
    total += value;
  });
  const blocks = sums.size;
  if (blocks < 2) return Number.NaN;
  const mean = total / values.length;
  // Blocks weigh by their rows: the ratio estimator's linearised variance.
  let squares = 0;
  for (const { sum, count } of sums.values()) squares += (sum - count * mean) ** 2;
  return Math.sqrt((squares * blocks) / (blocks - 1)) / values.length;
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
