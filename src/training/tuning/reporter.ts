import type { Study } from "./tuner.js";

/**
 * Sends a trial's intermediate values to the tuner while its folds go on, in their order and one message at a time, and calls
 * `onPruned` as soon as the tuner has had enough. What the study records does not depend on how fast the answers come: it ends with
 * the value at which the trial was pruned.
 */
export class Reporter {
  readonly #waiting: (readonly [number, number])[] = [];
  #sending: Promise<void> | null = null;
  #failed: { cause: unknown } | null = null;
  #prunedAt: number | null = null;

  constructor(
    private readonly study: Pick<Study, "report">,
    private readonly trial: number,
    private readonly onPruned: () => void,
  ) {}

  /** The step at which the trial was pruned; null while it was not. */
  get prunedAt(): number | null {
    return this.#prunedAt;
  }

  tell(step: number, value: number): void {
    // No JSON has it; a loss that is no number is the fit's own failure.
    if (this.#prunedAt !== null || !Number.isFinite(value)) return;
    this.#waiting.push([step, value]);
    this.#sending ??= this.#send();
  }

  /** Resolves when the tuner has judged all that was told; throws what went wrong with it. */
  async settled(): Promise<void> {
    await this.#sending;
    if (this.#failed !== null) throw this.#failed.cause;
  }

  async #send(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && this.#prunedAt === null) {
        const values = this.#waiting.splice(0);
        this.#prunedAt = await this.study.report(this.trial, values);
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
