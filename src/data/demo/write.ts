import { createWriteStream, mkdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  asWriteError,
  discardTemporary,
  packageVersion,
  publishFile,
  readRegular,
  temporaryName,
  writeFileAtomic,
} from "../../files/index.js";
import { type Bars, FoldwiseError } from "../../types/index.js";
import { withDuckDB } from "../duckdb.js";
import { type ColumnToWrite, writeParquet } from "../parquet-writer.js";
import { type DemoOptions, generateDemoBars } from "./generate.js";

export interface WriteDemoOptions extends DemoOptions {
  /** A `.csv` or `.parquet` file, or a folder, which gets `{SYMBOL}_synthetic_{bar}.csv`. */
  out: string;
}

const GENERATOR = "foldwise demo-data";

/** What stands beside a file of demo bars, `{file}.source.json`: a CSV has no room to say that it is synthetic. */
export interface DemoSource {
  synthetic: true;
  generator: typeof GENERATOR;
  version: string;
  symbol: string;
  bar: string;
  bars: number;
  seed: number;
  /** Stamps are bar closes. */
  bar_time: "close";
  time_zone: "UTC";
  note: string;
}

/**
 * Writes demo bars (columns `timestamp` as bar close in UTC, `open`, `high`, `low`, `close`, `volume`) and, first, the
 * sidecar that marks them as synthetic, so that there is never a file of bars without it. Both are written whole or not at all.
 *
 * @returns the path of the bars.
 * Throws what `generateDemoBars` throws, `usage.bad_demo_file`, `usage.output_exists` and `io.write_failed`.
 */
export async function writeDemoData(options: WriteDemoOptions): Promise<string> {
  const path = demoPath(options);
  refuseForeign(path);
  const { bars } = generateDemoBars(options);
  const temporary = extname(path) === ".csv" ? await writeBarsCsv(path, bars) : await writeBarsParquet(path, bars);
  try {
    writeFileAtomic(demoSourcePath(path), `${JSON.stringify(sourceOf(options), null, 2)}\n`);
  } catch (cause) {
    discardTemporary(temporary);
    throw cause;
  }
  publishFile(temporary, path);
  return path;
}

/** Where the sidecar of a file of bars lies. */
export function demoSourcePath(path: string): string {
  return `${path}.source.json`;
}

function demoPath({ out, symbol, bar }: WriteDemoOptions): string {
  const extension = extname(out);
  if (extension === ".csv" || extension === ".parquet") return out;
  if (extension === "") return join(out, `${symbol}_synthetic_${bar}.csv`);
  throw new FoldwiseError("usage.bad_demo_file", `Demo bars cannot be written as ${JSON.stringify(basename(out))}.`, {
    remedy: "End the name in .csv or .parquet, or name a folder.",
    details: { got: out, allowed: [".csv", ".parquet"] },
  });
}

/** Throws `usage.output_exists` for a file that no earlier call wrote: nobody expects made-up bars over their own. */
function refuseForeign(path: string): void {
  const isFile = (name: string): boolean => {
    try {
      return statSync(name).isFile();
    } catch {
      return false; // Whatever is wrong with the folder is told by writing to it.
    }
  };
  const foreign = [path, demoSourcePath(path)].find(isFile);
  if (foreign === undefined || isOwn(demoSourcePath(path))) return;
  throw new FoldwiseError("usage.output_exists", `${foreign} is there already and was not written by demo-data.`, {
    remedy: "Give another --out, or remove the file.",
    details: { path: foreign },
  });
}

/** No schema: this room is loaded for the names in `--help`. */
function marksDemo(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("synthetic" in value) || !("generator" in value)) return false;
  return value.synthetic === true && value.generator === GENERATOR;
}

function isOwn(source: string): boolean {
  try {
    return marksDemo(JSON.parse(readRegular(source)));
  } catch {
    return false;
  }
}

function sourceOf({ symbol, bar, bars, seed }: DemoOptions): DemoSource {
  return {
    synthetic: true,
    generator: GENERATOR,
    version: packageVersion(),
    symbol,
    bar,
    bars,
    seed,
    bar_time: "close",
    time_zone: "UTC",
    note: "Made up by a random process with a planted signal. Nothing learned here says anything about a market.",
  };
}

const ROWS_PER_TEXT = 8192;

/** Under a temporary name beside `path`, which it returns. */
async function writeBarsCsv(path: string, bars: Bars): Promise<string> {
  function* texts(): Generator<string> {
    yield "timestamp,open,high,low,close,volume\n";
    for (let from = 0; from < bars.n; from += ROWS_PER_TEXT) {
      let text = "";
      for (let i = from; i < Math.min(bars.n, from + ROWS_PER_TEXT); i++) {
        const stamp = new Date(bars.timestamp[i]! / 1000).toISOString().replace(".000Z", "Z");
        text += `${stamp},${bars.open[i]},${bars.high[i]},${bars.low[i]},${bars.close[i]},${bars.volume[i]}\n`;
      }
      yield text;
    }
  }
  const temporary = temporaryName(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    await pipeline(Readable.from(texts()), createWriteStream(temporary, { flags: "wx" }));
  } catch (cause) {
    discardTemporary(temporary);
    throw asWriteError(path, cause);
  }
  return temporary;
}

function writeBarsParquet(path: string, bars: Bars): Promise<string> {
  const columns: ColumnToWrite[] = [
    { name: "timestamp", type: "stamp", values: bars.timestamp },
    ...(["open", "high", "low", "close", "volume"] as const).map(
      (name): ColumnToWrite => ({ name, type: "float64", values: bars[name] }),
    ),
  ];
  return withDuckDB((connection) => writeParquet(connection, path, columns, { start: 0, end: bars.n }));
}
