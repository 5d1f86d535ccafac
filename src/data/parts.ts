import type { PartName, RowRange, Timestamps } from "../types/index.js";
import { dataError } from "./failure.js";
import { type DatasetMeta, rowAt } from "./meta.js";
import { formatStamp } from "./stamps.js";

/** A part a file. */
export function partsOfSplits(files: readonly RowRange[]): Record<PartName, RowRange> {
  return { train: files[0]!, val: files[1]!, test: files[2]! };
}

/** 70/15/15 by row count. */
export function shares(rows: number): Record<PartName, RowRange> {
  const [val, test] = [Math.round(rows * 0.7), Math.round(rows * 0.85)];
  return between(rows, val, test);
}

function between(rows: number, val: number, test: number): Record<PartName, RowRange> {
  return { train: { start: 0, end: val }, val: { start: val, end: test }, test: { start: test, end: rows } };
}

/** A series is cut at the borders of its meta file, or 70/15/15 by row count, and then says so. */
export function partsOfSeries(
  stamps: Timestamps,
  meta: DatasetMeta | null,
  path: string,
): { parts: Record<PartName, RowRange>; notices: string[] } {
  const rows = stamps.length;
  const borders = meta?.borders ?? null;
  const parts =
    borders === null ? shares(rows) : between(rows, rowAt(stamps, borders.val), rowAt(stamps, borders.test));
  const [val, test] = [parts.val.start, parts.test.start];
  for (const [part, { start, end }] of Object.entries(parts)) {
    if (start < end) continue;
    throw dataError(
      "data.empty_part",
      { path },
      `the ${part} part has no row: ${rows} rows, validation from row ${val + 1}, test from row ${test + 1}.`,
      borders === null ? "Give more rows." : "Correct the borders in the meta file.",
    );
  }
  const notices =
    borders === null
      ? [
          `${path} has no borders beside it: train, val and test are 70/15/15 by row count, validation from ` +
            `${formatStamp(stamps[val]!)}, test from ${formatStamp(stamps[test]!)}.`,
        ]
      : [];
  return { parts, notices };
}
