import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { checkId, pathUnder } from "../files/index.js";
import { type FoldwiseError, PART_NAMES, type PartName } from "../types/index.js";
import { dataError } from "./failure.js";

/** The files that make up one symbol's dataset, absolute. */
export interface DatasetFiles {
  symbol: string;
  layout: "series" | "splits";
  /** One file, or three in the order train, val, test. */
  files: string[];
  meta: string | null;
}

/** Where datasets are looked for, in this order, unless a folder is given. */
export const DEFAULT_FOLDERS = ["data/datasets", "data/splits/scaled"] as const;
const EXTENSIONS = [".parquet", ".csv"];
const SPLIT_NAME = /^(.+)_(train|val|test)$/;

/** Finds `{SYMBOL}.parquet` or `{SYMBOL}_{train,val,test}.parquet` (or .csv); says which file is missing otherwise. */
export function locateDataset(symbol: string, data?: string): DatasetFiles {
  checkId(symbol, "symbol");
  const folders = (data === undefined ? DEFAULT_FOLDERS : [data]).map((folder) => resolve(folder));
  for (const folder of folders) {
    const found = inFolder(symbol, folder);
    if (found !== null) return found;
  }
  throw nothingFound(symbol, folders, data);
}

/** One file, named directly: a series whose symbol is the file's name. */
export function locateFile(path: string): DatasetFiles {
  const full = resolve(path);
  const symbol = basename(full, extname(full));
  return { symbol, layout: "series", files: [full], meta: metaBeside(dirname(full), symbol) };
}

/** Symbols that a data folder holds, sorted; by default those of both default folders. */
export function listSymbols(data?: string): string[] {
  const folders = (data === undefined ? DEFAULT_FOLDERS : [data]).map((folder) => resolve(folder));
  const symbols = new Set<string>();
  for (const folder of folders) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) continue;
    for (const name of readdirSync(folder)) {
      if (!EXTENSIONS.includes(extname(name))) continue;
      const stem = basename(name, extname(name));
      symbols.add(SPLIT_NAME.exec(stem)?.[1] ?? stem);
    }
  }
  return [...symbols].sort();
}

function inFolder(symbol: string, folder: string): DatasetFiles | null {
  const file = (stem: string): string | undefined =>
    EXTENSIONS.map((extension) => pathUnder(folder, stem + extension)).find((path) => existsSync(path));
  const series = file(symbol);
  const meta = metaBeside(folder, symbol);
  if (series !== undefined) return { symbol, layout: "series", files: [series], meta };
  const parts = PART_NAMES.map((part): [PartName, string | undefined] => [part, file(`${symbol}_${part}`)]);
  const missing = parts.filter(([, path]) => path === undefined).map(([part]) => part);
  if (missing.length === 3) return null;
  if (missing.length > 0) {
    throw dataError(
      "data.split_file_missing",
      { path: folder },
      `${missing.map((part) => `${symbol}_${part}.parquet`).join(" and ")} is missing beside the other split files.`,
      "The split layout needs all three: train, val and test.",
    );
  }
  return { symbol, layout: "splits", files: parts.flatMap(([, path]) => path ?? []), meta };
}

function metaBeside(folder: string, symbol: string): string | null {
  const path = join(folder, `${symbol}.meta.json`);
  return existsSync(path) ? path : null;
}

function nothingFound(symbol: string, folders: string[], data: string | undefined): FoldwiseError {
  const have = listSymbols(data);
  const what =
    have.length === 0
      ? `there is no dataset of ${symbol}, nor of any other symbol.`
      : `there is no dataset of ${symbol}; there are: ${have.slice(0, 20).join(", ")}.`;
  const nested = data === undefined ? [] : ["datasets", "splits/scaled"].filter((name) => existsSync(join(data, name)));
  const remedy =
    nested.length > 0
      ? `Did you mean --data ${join(data ?? "", nested[0] ?? "")}?`
      : "Make one with `foldwise prepare`, or name the folder with --data.";
  return dataError("data.dataset_not_found", { path: folders.join(" and "), value: symbol }, what, remedy);
}
