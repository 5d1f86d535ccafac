import { describe, expect, it } from "vitest";
import { MICROS_PER_DAY, MICROS_PER_MINUTE } from "../../src/types/index.js";
import { parseLength } from "../../src/validation/index.js";

describe("a length of bars", () => {
  it("is a number of bars or a time", () => {
    expect(["20", 20, "100m", "4h", "1d"].map((text) => parseLength(text, 5 * MICROS_PER_MINUTE))).toEqual([
      20, 20, 20, 48, 288,
    ]);
    expect(parseLength("3d", MICROS_PER_DAY)).toBe(3);
    expect(parseLength("0", null)).toBe(0);
  });
  it("is refused when it is neither", () => {
    for (const text of ["", "h", "-5", "1.5h", "4 h", "20x", 2.5]) {
      expect(() => parseLength(text, MICROS_PER_MINUTE)).toThrow(/is not a length of bars/);
    }
  });
  it("must be a whole number of bars", () => {
    expect(() => parseLength("100m", 15 * MICROS_PER_MINUTE)).toThrow(
      '"100m" is 6.667 bars of 15 minutes, not a whole number.',
    );
  });
  it("cannot be a time where bars have no step", () => {
    expect(() => parseLength("4h", null)).toThrow(/no regular step/);
  });
});
