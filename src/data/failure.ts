import { type ErrorCode, FoldwiseError } from "../types/index.js";

/** Where in a file something is wrong; rows count from 1 without the header, lines with it. */
export interface Place {
  path: string;
  row?: number;
  line?: number;
  column?: string;
  value?: unknown;
}

/** A data error that names file, line or row, column and value before it says what is wrong. */
export function dataError(code: ErrorCode, place: Place, what: string, remedy: string, cause?: unknown): FoldwiseError {
  const where = [
    place.path,
    place.line !== undefined ? `line ${place.line}` : place.row !== undefined ? `row ${place.row}` : undefined,
    place.column === undefined ? undefined : `column "${place.column}"`,
  ].filter((part) => part !== undefined);
  return new FoldwiseError(code, `${where.join(", ")}: ${what}`, { remedy, details: { ...place }, cause });
}
