import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import {
  asWriteError,
  discardTemporary,
  isAlive,
  makeFolder,
  readRegular,
  sha256,
  sha256File,
  temporaryName,
} from "../files/index.js";
import type { DatasetManifest, StoredDataset } from "../types/index.js";
import { convertDataset } from "./convert.js";
import { asDuckDBWriteError } from "./duckdb.js";
import { dataError } from "./failure.js";
import type { DatasetFiles } from "./locate.js";
import { encodeManifest } from "./manifest.js";
import { inspectSource } from "./source-file.js";
import { openEntry } from "./stored-dataset.js";
import { verifyArrays } from "./verify.js";

export interface StoreOptions {
  /** The store's folder; `.foldwise/datasets` by default. */
  store?: string;
  /** Hash the sources' contents again instead of trusting path, size, modification time and inode, and check the stored arrays. */
  verify?: boolean;
  /** The horizon that a plain `label` column takes. */
  horizon?: number;
  /** False for rows that are only predicted on. */
  labelsRequired?: boolean;
}

type Source = DatasetManifest["sources"][number];
type SourceStat = Omit<Source, "sha256">;

/** Raised when the layout of a store folder or a rule of conversion changes: old folders are then not found any more. */
const STORE_VERSION = 1;
export const DEFAULT_STORE = ".foldwise/datasets";

/**
 * The stored form of a dataset: found through the index when nothing changed, found by the contents' hash when only a
 * name or a date changed, converted otherwise. Safe with several processes at once: folders appear whole, by renaming.
 */
export async function storeDataset(files: DatasetFiles, options: StoreOptions = {}): Promise<StoredDataset> {
  const root = resolve(options.store ?? DEFAULT_STORE);
  const stats = statSources(files);
  if (options.verify !== true) {
    for (const variant of variants(options)) {
      const known = readIndex(indexPath(root, files, variant), stats);
      const entry = known === null ? null : usableEntry(join(root, known), options);
      if (entry !== null) return entry;
    }
  }
  makeFolder(join(root, "index"));
  removeAbandoned(root);
  const { entry, variant } = await build(root, files, stats, options);
  if (options.verify === true) verifyArrays(entry);
  const { fingerprint } = entry.manifest;
  // Not synced: losing an index entry costs one hash.
  const index = indexPath(root, files, variant);
  const temporary = temporaryName(index);
  try {
    writeFileSync(temporary, JSON.stringify({ fingerprint, stats }));
    renameSync(temporary, index);
  } catch (cause) {
    discardTemporary(temporary);
    throw asWriteError(index, cause);
  }
  return entry;
}

/** Hashes and converts side by side: on first use both are needed; if the hash is known, converting stops. */
async function build(
  root: string,
  files: DatasetFiles,
  stats: SourceStat[],
  options: StoreOptions,
): Promise<{ entry: StoredDataset; variant: Variant }> {
  const temporary = join(root, temporaryName("tmp"));
  const stop = new AbortController();
  try {
    mkdirSync(temporary);
    const converting = convertDataset(files, {
      into: temporary,
      labelsRequired: options.labelsRequired ?? true,
      signal: stop.signal,
      ...(options.horizon === undefined ? {} : { horizon: options.horizon }),
    });
    converting.catch(() => {}); // Awaited below, after the hashes.
    const sources: Source[] = [];
    for (const stat of stats) sources.push({ ...stat, sha256: await sha256File(stat.path) });
    for (const variant of variants(options)) {
      const entry = usableEntry(join(root, fingerprintOf(files, sources, variant)), options);
      if (entry === null) continue;
      stop.abort();
      await converting.catch(() => {});
      return { entry, variant };
    }
    const { plainLabel, dataset, checksums } = await converting;
    refuseChanged(files, stats);
    const variant = plainLabel ? (options.horizon ?? null) : null;
    const fingerprint = fingerprintOf(files, sources, variant);
    const manifest: DatasetManifest = { format: 1, fingerprint, sources, checksums, ...dataset };
    writeFileSync(join(temporary, "manifest.json"), encodeManifest(manifest));
    return { entry: publish(temporary, join(root, fingerprint)), variant };
  } catch (cause) {
    throw asDuckDBWriteError(root, cause);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Renames; where another process was faster its folder stands, unless it is damaged. */
function publish(temporary: string, dir: string): StoredDataset {
  for (let attempt = 0; ; attempt++) {
    try {
      renameSync(temporary, dir);
    } catch (cause) {
      if (openEntry(dir) === null && (!existsSync(dir) || attempt === 3)) throw cause;
    }
    const entry = openEntry(dir);
    if (entry !== null) return entry;
    const damaged = join(dir, "..", temporaryName("tmp"));
    renameSync(dir, damaged);
    rmSync(damaged, { recursive: true, force: true });
  }
}

/** A whole entry, with labels where labels are needed. */
function usableEntry(dir: string, options: StoreOptions): StoredDataset | null {
  const entry = openEntry(dir);
  if (entry === null) return null;
  return entry.manifest.horizons.length === 0 && options.labelsRequired !== false ? null : entry;
}

function statSources(files: DatasetFiles): SourceStat[] {
  return [...files.files, ...(files.meta === null ? [] : [files.meta])].map((path) => {
    if (path !== files.meta) {
      const { size, mtimeNs, inode } = inspectSource(path);
      return { path, size, mtimeNs, inode };
    }
    const stat = statSync(path, { bigint: true });
    if (stat.isDirectory())
      throw dataError(
        "data.is_a_directory",
        { path },
        "this is a folder, a meta file is needed.",
        "Remove or rename it.",
      );
    if (!stat.isFile()) {
      throw dataError(
        "data.not_a_file",
        { path },
        "it is no regular file.",
        "Give a file; pipes and devices have no end.",
      );
    }
    return { path, size: Number(stat.size), mtimeNs: String(stat.mtimeNs), inode: String(stat.ino) };
  });
}

function refuseChanged(files: DatasetFiles, before: SourceStat[]): void {
  const now = statSources(files);
  const changed = before.find((stat, k) => JSON.stringify(stat) !== JSON.stringify(now[k]));
  if (changed === undefined) return;
  const remedy = "Wait until it is written completely, then run again.";
  throw dataError("data.changed_while_reading", { path: changed.path }, "the file changed while it was read.", remedy);
}

/** The horizon that a plain `label` column took, null where labels are named `label_h{H}`: what is stored depends on it. */
type Variant = number | null;

function variants(options: StoreOptions): Variant[] {
  return options.horizon === undefined ? [null] : [options.horizon, null];
}

function indexPath(root: string, files: DatasetFiles, variant: Variant): string {
  const key = [STORE_VERSION, files.symbol, files.layout, variant, files.files, files.meta];
  return join(root, "index", `${sha256(JSON.stringify(key))}.json`);
}

function fingerprintOf(files: DatasetFiles, sources: readonly Source[], variant: Variant): string {
  const hashes = sources.map((source) => source.sha256);
  return sha256(JSON.stringify([STORE_VERSION, files.symbol, files.layout, variant, files.meta !== null, hashes]));
}

const indexSchema = z.object({ fingerprint: z.string().regex(/^[0-9a-f]{64}$/), stats: z.unknown() });

function readIndex(path: string, stats: SourceStat[]): string | null {
  let text: string;
  try {
    text = readRegular(path);
  } catch {
    return null;
  }
  try {
    const index = indexSchema.parse(JSON.parse(text));
    return JSON.stringify(index.stats) === JSON.stringify(stats) ? index.fingerprint : null;
  } catch {
    return null; // A damaged index entry is only a slower open.
  }
}

/** Folders that a killed process left behind; its number is in their name. */
function removeAbandoned(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = /^tmp\.(\d+)\./.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(root, name), { recursive: true, force: true });
  }
}
