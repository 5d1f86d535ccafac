import type { Study } from "./tuner.js";

/**
 * Sends a trial's intermediate values to the tuner while its folds go on, in their order and one message at a time, and calls
 * `onPruned` as soon as the tuner has had enough. A value that cannot end the trial waits for the next one that can: each message
 * costs the fit some milliseconds of a core; and it is not judged later, when trials have been completed that were not then. What the
 * study records does not depend on how fast the answers come: it ends with the value at which the trial was pruned.
 */
export class Reporter {
  readonly #waiting: (readonly [number, number])[] = [];
  /** Which of the waiting values is the first that may end the trial. */
  #judgeFrom: number | null = null;
  #sending: Promise<void> | null = null;
  #failed: { cause: unknown } | null = null;
  #prunedAt: number | null = null;

  constructor(
    private readonly study: Pick<Study, "report" | "mayPruneAt">,
    private readonly trial: number,
    private readonly onPruned: () => void,
  ) {}

  /** The step at which the trial was pruned; null while it was not. */
  get prunedAt(): number | null {
    return this.#prunedAt;
  }

  /** A value that may end the trial. */
  tell(step: number, value: number): void {
    if (!this.keep(step, value) || !this.study.mayPruneAt(step)) return;
    this.#judgeFrom ??= this.#waiting.length - 1;
    this.#sending ??= this.#send();
  }

  /** A value that is only to be recorded; answers whether it is. */
  keep(step: number, value: number): boolean {
    // No JSON has what is no number; a loss like that is the fit's own failure.
    if (this.#prunedAt !== null || !Number.isFinite(value)) return false;
    this.#waiting.push([step, value]);
    return true;
  }

  /** Resolves when the tuner has judged all that may end the trial; throws what went wrong with it. */
  async settled(): Promise<void> {
    await this.#sending;
    if (this.#failed !== null) throw this.#failed.cause;
  }

  /** Sends what still waits. Once all has settled, it is asked for before whatever the caller asks of the study next. */
  finish(): Promise<void> {
    if (this.#waiting.length > 0) this.#sending ??= this.#send();
    return this.settled();
  }

  async #send(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && this.#prunedAt === null) {
        const [values, judgeFrom] = [this.#waiting.splice(0), this.#judgeFrom];
        this.#judgeFrom = null;
        this.#prunedAt = await this.study.report(this.trial, values, judgeFrom);
      }
      if (this.#prunedAt !== null) this.onPruned();
    } catch (cause) {
      this.#failed = { cause };
      this.#waiting.length = 0;
    } finally {
      this.#sending = null;
    }
  }
}
