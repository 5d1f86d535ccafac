/**
 * A timer that may be set again and again and that never fires merely because this process was busy: a worker's message may
 * lie unread in the pipe while the main thread computes. So a fired timer first lets the event loop read what has arrived
 * (`setImmediate` runs after the poll phase), and one that fires much too late starts over.
 */
export class Deadline {
  readonly ms: number;
  readonly #onMissed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  /** Counts `restart` and `stop`; a deferred check that sees another number than its own is void. */
  #turn = 0;

  constructor(ms: number, onMissed: () => void) {
    this.ms = ms;
    this.#onMissed = onMissed;
  }

  /** Starts, or starts over. */
  restart(): void {
    this.#turn++;
    this.#due = performance.now() + this.ms;
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#fired(), this.ms).unref();
    else this.#timer.refresh();
  }

  stop(): void {
    this.#turn++;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #fired(): void {
    if (performance.now() - this.#due > LATE_MS) {
      this.restart();
      return;
    }
    const turn = this.#turn;
    setImmediate(() => {
      if (turn !== this.#turn) return;
      this.stop();
      this.#onMissed();
    });
  }
}

/** Later than this, the whole process was stopped or blocked, and the worker had no chance to be heard. */
const LATE_MS = 1000;
