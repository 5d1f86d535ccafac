import { closeSync, openSync, readSync } from "node:fs";
import { dataError } from "./failure.js";

export interface CsvLayout {
  delimiter: string;
  /** In file order, trimmed, unique. */
  names: string[];
}

const DELIMITERS = [",", ";", "\t", "|"];
const HEADER_LIMIT = 1 << 20;

/**
 * Reads the header line ourselves: DuckDB's detection swallows broken lines and accepts a column twice.
 * Refuses an empty name, a column twice, and a first line that is no header.
 */
export function readCsvLayout(path: string): CsvLayout {
  const line = firstLine(path);
  const delimiter = DELIMITERS.reduce((best, d) => (line.split(d).length > line.split(best).length ? d : best), ",");
  const names = splitLine(line, delimiter).map((name) => name.trim());
  if (names.every((name) => /^[-+\d.:TZ/ ]*$/.test(name))) {
    throw dataError(
      "data.no_header",
      { path, line: 1, value: line.slice(0, 120) },
      `the first line is not a header: ${line.slice(0, 120)}`,
      "Add a header line such as timestamp,open,high,low,close,volume.",
    );
  }
  const at = (column: string) => ({ path, line: 1, column });
  const seen = new Set<string>();
  for (const [i, name] of names.entries()) {
    if (name === "" && i > 0)
      throw dataError("data.unnamed_column", at(String(i + 1)), "the header has no name here.", "Name every column.");
    if (seen.has(name))
      throw dataError(
        "data.duplicate_column",
        at(name),
        "this column stands twice in the header.",
        "Remove one of them.",
      );
    seen.add(name);
  }
  // The unnamed first column that pandas writes for its index; never meant.
  if (names[0] === "") names[0] = "Unnamed: 0";
  return { delimiter, names };
}

function firstLine(path: string): string {
  const buffer = Buffer.alloc(HEADER_LIMIT);
  const fd = openSync(path, "r");
  let text: string;
  try {
    text = buffer.toString("utf8", 0, readSync(fd, buffer, 0, HEADER_LIMIT, 0));
  } finally {
    closeSync(fd);
  }
  const line = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/, 1)[0] ?? "";
  if (line.trim() === "")
    throw dataError(
      "data.no_header",
      { path, line: 1 },
      "the first line is empty.",
      "Begin the file with a header line.",
    );
  return line;
}

/** RFC 4180 quoting. */
function splitLine(line: string, delimiter: string): string[] {
  const fields: string[] = [];
  let field = "";
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (quoted) {
      if (char !== '"') field += char;
      else if (line[i + 1] === '"') field += line[++i];
      else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === delimiter) {
      fields.push(field);
      field = "";
    } else field += char;
  }
  return [...fields, field];
}
