/** A rate that may be exceeded for a while: `burst` at once, `perSecond` for ever. */
export interface FloodLimit {
  burst: number;
  perSecond: number;
}

/** Far above what any engine says: a round's progress is one message of some hundred bytes. */
export const MESSAGE_LIMIT: FloodLimit = { burst: 50_000, perSecond: 10_000 };
export const BYTE_LIMIT: FloodLimit = { burst: 32 * 1024 * 1024, perSecond: 4 * 1024 * 1024 };

/** Token bucket; `now` is in milliseconds and never goes back. */
export class FloodMeter {
  readonly #limit: FloodLimit;
  readonly #now: () => number;
  #level = 0;
  #last: number;

  constructor(limit: FloodLimit, now: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#now = now;
    this.#last = now();
  }

  /** Counts `amount`; false when that is more than the limit allows. */
  allows(amount: number): boolean {
    const now = this.#now();
    this.#level = Math.max(0, this.#level - ((now - this.#last) / 1000) * this.#limit.perSecond) + amount;
    this.#last = now;
    return this.#level <= this.#limit.burst;
  }
}
