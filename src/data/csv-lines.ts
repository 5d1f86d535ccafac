import { closeSync, openSync, readSync } from "node:fs";

/**
 * The line (from 1, the header's) on which data row `row` (from 0) of a CSV file begins. Only messages need it, so it is
 * found by reading the file again: quoted fields may hold line breaks, and blank lines are no rows.
 */
export function lineOfRow(path: string, row: number): number {
  const buffer = Buffer.alloc(1 << 20);
  const fd = openSync(path, "r");
  try {
    let line = 1;
    let record = -1; // The header is record −1.
    let quoted = false;
    let blank = true;
    let before = 0;
    for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) {
      for (let i = 0; i < got; i++) {
        const byte = buffer[i]!;
        if (byte === LF || byte === CR) {
          if (byte === CR || before !== CR) {
            line++;
            if (!quoted && !blank) record++;
            if (!quoted) blank = true;
          }
        } else {
          if (blank && !quoted && record === row) return line;
          blank = false;
          if (byte === QUOTE) quoted = !quoted;
        }
        before = byte;
      }
    }
    return line;
  } finally {
    closeSync(fd);
  }
}

const LF = 10;
const CR = 13;
const QUOTE = 34;
