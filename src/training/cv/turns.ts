/** So many may be at work at a time; the others wait, first come, first served. Once one has failed, none begins. */
export class Turns {
  #free: number;
  #failed: { cause: unknown } | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Runs `work` when a place is free, and settles as it does; where another has failed before it begins, with that one's error.
   * Whoever waited begins before this settles, so that a place is not idle while its last user goes on.
   */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((begin) => this.#waiting.push(begin));
    else this.#free--;
    try {
      if (this.#failed !== undefined) throw this.#failed.cause;
      return await work();
    } catch (cause) {
      this.#failed ??= { cause };
      throw cause;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else {
        next();
        await new Promise((begun) => setImmediate(begun));
      }
    }
  }
}
