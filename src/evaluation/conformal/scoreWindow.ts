import { conformalRank } from "./split.js";

/** The latest scores, at most `size` of them, in order of arrival and sorted. */
export class ScoreWindow {
  /** A ring: the oldest is at `#oldest` once it is full. */
  readonly #ring: Float64Array;
  readonly #sorted: Float64Array;
  #count = 0;
  #oldest = 0;

  constructor(size: number, scores: readonly number[]) {
    this.#ring = new Float64Array(size);
    this.#sorted = new Float64Array(size);
    for (const score of scores) this.push(score);
  }

  /** Takes a score, and lets the oldest go if there are `size`. */
  push(score: number): void {
    const full = this.#count === this.#ring.length;
    if (full) {
      const gone = this.#placeOf(this.#ring[this.#oldest]!);
      this.#sorted.copyWithin(gone, gone + 1, this.#count--);
    }
    const place = this.#placeOf(score);
    this.#sorted.copyWithin(place + 1, place, this.#count);
    this.#sorted[place] = score;
    this.#ring[full ? this.#oldest : this.#count] = score;
    if (full) this.#oldest = (this.#oldest + 1) % this.#ring.length;
    this.#count++;
  }

  /** The threshold that one in 1 / `alpha` new scores exceeds: infinite where that asks for more scores than there are. */
  threshold(alpha: number): number {
    const rank = conformalRank(this.#count, 1 - alpha);
    if (rank < 1) return Number.NEGATIVE_INFINITY;
    return rank > this.#count ? Number.POSITIVE_INFINITY : this.#sorted[rank - 1]!;
  }

  /** Oldest first. */
  toArray(): number[] {
    const ring = [...this.#ring.subarray(0, this.#count)];
    return [...ring.slice(this.#oldest), ...ring.slice(0, this.#oldest)];
  }

  /** The first place in the sorted scores at which there is none below `score`. */
  #placeOf(score: number): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]! < score) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
