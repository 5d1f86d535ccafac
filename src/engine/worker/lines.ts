const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines without ever holding more than `maxBytes` of an unfinished one. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: Buffer) => void;
  readonly #onTooLong: (start: Buffer) => void;
  #parts: Buffer[] = [];
  #length = 0;
  /** Dropping the rest of a line that was too long. */
  #skipping = false;

  /** `onTooLong` gets the first `maxBytes` of a longer line, once; the rest of that line is dropped. */
  constructor(maxBytes: number, onLine: (line: Buffer) => void, onTooLong: (start: Buffer) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, to));
      this.#flush();
      from = to + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** What comes next is another line, whatever came before: an unfinished one counts as one. */
  end(): void {
    if (this.#length > 0 || this.#skipping) this.#flush();
  }

  #keep(bytes: Buffer): void {
    if (this.#skipping || bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length > this.#maxBytes) {
      const start = Buffer.concat(this.#parts).subarray(0, this.#maxBytes);
      this.#parts = [];
      this.#length = 0;
      this.#skipping = true;
      this.#onTooLong(start);
    }
  }

  #flush(): void {
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#onLine(line);
  }
}
