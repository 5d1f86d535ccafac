import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { longestRun, rowsWithWindow } from "../../src/validation/index.js";

/** The definition, word by word: every row of the window is there, of one piece, and not before `from`. */
function endsFullWindow(row: number, piece: Int32Array, length: number, from: number): boolean {
  const window = Array.from({ length }, (_, k) => row - k);
  return window.every((at) => at >= from && at >= 0 && piece[at] === piece[row]);
}

const cases = fc.record({
  // Few values, so that one comes back after another: no run may join them.
  piece: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 60 }).map((all) => Int32Array.from(all)),
  length: fc.integer({ min: 1, max: 8 }),
  from: fc.integer({ min: 0, max: 30 }),
  chosen: fc.infiniteStream(fc.boolean()),
});

describe("the rows that end a full window", () => {
  it("are those whose rows are all of one piece and none before the first allowed", () => {
    fc.assert(
      fc.property(cases, ({ piece, length, from, chosen }) => {
        const rows = Int32Array.from([...piece.keys()].filter(() => chosen.next().value));
        const expected = rows.filter((row) => endsFullWindow(row, piece, length, from));
        expect(rowsWithWindow(rows, piece, length, from)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("keep the order that they were given in", () => {
    expect(rowsWithWindow(Int32Array.of(9, 0, 5, 2, 4), new Int32Array(10), 3)).toEqual(Int32Array.of(9, 5, 2, 4));
  });

  it("do not take a piece that comes back for one piece", () => {
    const piece = Int32Array.of(0, 0, 1, 0, 0);
    expect(rowsWithWindow(Int32Array.of(0, 1, 2, 3, 4), piece, 2)).toEqual(Int32Array.of(1, 4));
  });

  it("are all rows where a window is one row", () => {
    expect(rowsWithWindow(Int32Array.of(0, 1, 2), Int32Array.of(0, 1, 2), 1)).toEqual(Int32Array.of(0, 1, 2));
  });

  it("cannot be rows that there are not", () => {
    expect(() => rowsWithWindow(Int32Array.of(3), new Int32Array(3), 2)).toThrow("row 3 of a dataset of 3 rows");
    expect(() => rowsWithWindow(Int32Array.of(-1), new Int32Array(3), 2)).toThrow(RangeError);
    expect(() => rowsWithWindow(Int32Array.of(1), new Int32Array(3), 0)).toThrow("a window of 0 rows");
  });
});

describe("the longest run", () => {
  it("is the longest window that a row ends", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 30 }), (values) => {
        const piece = Int32Array.from(values);
        const rows = Int32Array.from(values.keys());
        expect(rowsWithWindow(rows, piece, longestRun(piece))).not.toHaveLength(0);
        expect(rowsWithWindow(rows, piece, longestRun(piece) + 1)).toHaveLength(0);
      }),
    );
  });

  it("of no rows is 0", () => {
    expect(longestRun(new Int32Array(0))).toBe(0);
  });
});
