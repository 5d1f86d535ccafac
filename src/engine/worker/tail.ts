/** The last lines a worker wrote: what a failure quotes. Bounded in lines and in bytes a line. */
export class Tail {
  static readonly MAX_LINES = 40;
  static readonly MAX_LINE_BYTES = 2000;
  readonly #lines: string[] = [];

  push(line: string): void {
    const text = line.trimEnd();
    if (text === "") return;
    this.#lines.push(text.slice(0, Tail.MAX_LINE_BYTES));
    if (this.#lines.length > Tail.MAX_LINES) this.#lines.shift();
  }

  lines(): string[] {
    return [...this.#lines];
  }
}
