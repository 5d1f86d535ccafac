import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import type { Bars } from "../../src/types/index.js";

/** A new empty folder, gone when the run of tests ends. */
export const temporaryFolder = (): string => mkdtempSync(join(inject("scratch"), "prepare-"));

/** Writes rows `from` to `to` of bars as CSV with close stamps. */
export function writeBars(path: string, bars: Bars, from = 0, to = bars.n): string {
  const lines = [`timestamp,open,high,low,close,volume${bars.contract === undefined ? "" : ",contract"}`];
  for (let t = from; t < to; t++) {
    const stamp = new Date(bars.timestamp[t]! / 1000).toISOString();
    const values = [bars.open[t], bars.high[t], bars.low[t], bars.close[t], bars.volume[t]];
    lines.push([stamp, ...values, ...(bars.contract === undefined ? [] : [bars.contract[t]])].join(","));
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** The stamps moved later by `minutes` from row `from` on. */
export function withHole(bars: Bars, from: number, minutes: number): Bars {
  const timestamp = bars.timestamp.map((stamp, t) => (t < from ? stamp : stamp + minutes * 60_000_000));
  return { ...bars, timestamp };
}
