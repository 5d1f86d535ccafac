import { distance } from "fastest-levenshtein";

/**
 * The candidate that `word` was probably meant to be, or undefined when none is near: the same letters but for case and
 * separators, a beginning of it, or at most a third of its letters different.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_. ]/g, "");
  const wanted = plain(word);
  if (wanted === "") return undefined;
  let best: { candidate: string; cost: number } | undefined;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const cost = other.startsWith(wanted) && wanted.length >= 3 ? 0.5 : distance(wanted, other);
    if (best === undefined || cost < best.cost) best = { candidate, cost };
  }
  return best !== undefined && best.cost <= Math.max(1, Math.floor(wanted.length / 3)) ? best.candidate : undefined;
}

/** `; did you mean "x"?`, or `.` when no candidate is near: how a sentence about an unknown name ends. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const found = nearest(word, candidates);
  return found === undefined ? "." : `; did you mean "${found}"?`;
}
