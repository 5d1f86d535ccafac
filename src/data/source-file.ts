import { closeSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { dataError } from "./failure.js";

/** A file that exists, is regular, has bytes and looks like what its name says. */
export interface SourceFile {
  /** Absolute. */
  path: string;
  format: "csv" | "parquet";
  size: number;
  /** Nanoseconds, as text: more than a float64 holds. */
  mtimeNs: string;
  inode: string;
}

const PARQUET_MAGIC = "PAR1";

/** Refuses what is not a readable CSV or Parquet file: missing, a folder, empty, compressed, binary, cut short. */
export function inspectSource(given: string): SourceFile {
  const path = resolve(given);
  const stat = statBig(path, given);
  const head = Buffer.alloc(4096);
  const tail = Buffer.alloc(4);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw unreadable(given, cause);
  }
  let got: number;
  try {
    got = readSync(fd, head, 0, head.length, 0);
    if (stat.size >= 4n) readSync(fd, tail, 0, 4, Number(stat.size) - 4);
  } finally {
    closeSync(fd);
  }
  const format = formatOf(path, head.subarray(0, got), tail);
  return { path, format, size: Number(stat.size), mtimeNs: String(stat.mtimeNs), inode: String(stat.ino) };
}

function statBig(path: string, given: string): { size: bigint; mtimeNs: bigint; ino: bigint } {
  let plain: Stats;
  try {
    plain = statSync(path);
  } catch (cause) {
    throw unreadable(given, cause);
  }
  if (plain.isDirectory()) {
    throw dataError(
      "data.is_a_directory",
      { path: given },
      "this is a folder, a file is needed.",
      "Name one CSV or Parquet file inside it.",
    );
  }
  if (!plain.isFile())
    throw dataError("data.not_a_file", { path: given }, "this is not a regular file.", "Name a CSV or Parquet file.");
  if (plain.size === 0)
    throw dataError("data.empty_file", { path: given }, "the file is empty.", "Export the data again.");
  return statSync(path, { bigint: true });
}

/** Why a file cannot be opened. */
function unreadable(path: string, cause: unknown): Error {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "EACCES" || code === "EPERM") {
    const remedy =
      "Ask for permission to read it and the folders above it (chmod u+r), or copy it to a folder of yours.";
    return dataError("data.not_permitted", { path }, "this file may not be read.", remedy, cause);
  }
  if (code === "ENOENT" || code === "ENOTDIR")
    return dataError("data.not_found", { path }, "there is no such file.", "Check the path.", cause);
  return dataError("data.unreadable", { path }, `this file cannot be opened (${code}).`, "Check the path.", cause);
}

function formatOf(path: string, head: Buffer, tail: Buffer): "csv" | "parquet" {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  const cutShort = (): Error =>
    dataError(
      "data.truncated_parquet",
      { path },
      "this Parquet file is cut short or damaged: it does not begin and end with PAR1.",
      "Copy or export the file again.",
    );
  if (head.toString("latin1", 0, 4) === PARQUET_MAGIC) {
    if (tail.toString("latin1") !== PARQUET_MAGIC) throw cutShort();
    return "parquet";
  }
  if ([".parquet", ".pq"].includes(extname(path).toLowerCase())) throw cutShort();
  if (isSpreadsheet(head, starts)) {
    throw dataError(
      "data.spreadsheet",
      { path },
      "this is a spreadsheet (Excel or alike), not a text file.",
      "Export the sheet with the data as CSV (in Excel: Save As, CSV UTF-8).",
    );
  }
  if (starts(0x1f, 0x8b) || starts(0x50, 0x4b, 3, 4) || starts(0x28, 0xb5, 0x2f, 0xfd) || starts(0x42, 0x5a, 0x68)) {
    throw dataError(
      "data.compressed",
      { path },
      "compressed files are not read (gzip, zip, zstd, bzip2).",
      "Unpack it first, or convert it to Parquet.",
    );
  }
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff))
    throw dataError("data.not_utf8", { path }, "the file is UTF-16 text.", "Save it as UTF-8.");
  if (head.includes(0))
    throw dataError("data.not_text", { path }, "neither CSV text nor Parquet.", "Export it as CSV or Parquet.");
  return "csv";
}

/** A zip archive with a workbook's parts, or the older format of Excel. */
function isSpreadsheet(head: Buffer, starts: (...bytes: number[]) => boolean): boolean {
  if (starts(0xd0, 0xcf, 0x11, 0xe0)) return true;
  return (
    starts(0x50, 0x4b, 3, 4) && /\[Content_Types\]\.xml|xl\/|opendocument\.spreadsheet/.test(head.toString("latin1"))
  );
}
