import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pipelineFromJson, pipelineToJson } from "../data/index.js";
import {
  asWriteError,
  ID_PATTERN,
  pathUnder,
  publishFile,
  publishFolder,
  readRegular,
  sha256,
  sha256File,
  temporaryName,
  writeFileAtomic,
} from "../files/index.js";
import { FoldwiseError, type PipelineSpec } from "../types/index.js";
import {
  BUNDLE_FORMAT,
  type BundleManifest,
  bundleManifestSchema,
  hashMismatch,
  MANIFEST_NAME,
  notABundle,
  parseManifest,
  renderManifest,
} from "./bundleManifest.js";
import { PART_FOLDERS, type PartFolder } from "./ensembleManifest.js";

export const ONNX_NAME = "model.onnx";
const PIPELINE_NAME = "pipeline.json";
const FEATURES_NAME = "feature_names.txt";
const CONFIG_NAME = "config.yaml";
export const SCALER_NAME = "scaler.json";
/** A manifest is a few kilobytes; anything of this size is not one. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
const MAX_PIPELINE_BYTES = 16 * 1024 * 1024;

/** Where a file's content is: an existing file, or text. */
export type BundleSource = { path: string } | { text: string };

/** What the writer of a bundle must know; hashes, format, classes and the standard files are made from it. */
export interface BundleSpec
  extends Omit<BundleManifest, "format" | "classes" | "files" | "features" | "trained_classes" | "created"> {
  features: readonly string[];
  trained_classes: readonly (-1 | 0 | 1)[];
  created: Date;
  /** Null for rows that `prepare` did not make: such a bundle cannot predict from bars. */
  pipeline: PipelineSpec | null;
  /** The resolved configuration, YAML. */
  config: string;
  /** Of an ensemble: its parts by name, as `ensemble` of the manifest names them; they are copied. */
  parts?: Record<PartFolder, Readonly<Record<string, Bundle>>>;
  /** By name in the bundle: `model.onnx`, the native file, `scaler.json`; or all files that a plug-in saved. */
  files: Record<string, BundleSource>;
}

/** A bundle whose manifest and files were checked. */
export interface Bundle {
  dir: string;
  manifest: BundleManifest;
  pipeline: PipelineSpec | null;
  /** Of an ensemble: its parts by name, checked like itself; empty for others. */
  parts: Record<PartFolder, Record<string, Bundle>>;
}

/**
 * Writes a bundle: everything into a temporary folder beside `dir`, synced, the manifest last, then one rename. A folder
 * named `dir` is therefore whole or absent. An earlier bundle of that name is replaced; any other content is refused
 * (`bundle.folder_taken`).
 */
export async function writeBundle(dir: string, spec: BundleSpec): Promise<BundleManifest> {
  const { pipeline, config, files, created, parts = { bases: {}, layer: {} }, ...facts } = spec;
  const standard: Record<string, BundleSource> = {
    [FEATURES_NAME]: { text: `${spec.features.join("\n")}\n` },
    [CONFIG_NAME]: { text: config },
    [PIPELINE_NAME]: { text: `${JSON.stringify(pipeline === null ? null : pipelineToJson(pipeline), null, 2)}\n` },
  };
  const sources = Object.entries({ ...files, ...standard });
  return replaceFolder(dir, async (temporary) => {
    const entries: BundleManifest["files"] = {};
    for (const [name, source] of sources) {
      checkName(name);
      const path = join(temporary, name);
      if ("text" in source) writeFileAtomic(path, source.text);
      else copySynced(source.path, path);
      entries[name] = { sha256: await sha256File(path), bytes: lstatSync(path).size };
    }
    const manifest = bundleManifestSchema.parse({
      format: BUNDLE_FORMAT,
      ...facts,
      classes: [-1, 0, 1],
      created: created.toISOString(),
      files: entries,
    });
    checkFiles(manifest, dir);
    await copyParts(parts, temporary);
    writeFileAtomic(join(temporary, MANIFEST_NAME), renderManifest(manifest));
    return manifest;
  });
}

/**
 * Opens a bundle: checks the manifest, that each file is there and plain, and its hash.
 * Throws `bundle.not_a_bundle`, `bundle.newer_format`, `bundle.file_missing`, `bundle.base_missing`, `bundle.hash_mismatch`,
 * `bundle.unsafe_file`.
 */
export function readBundle(dir: string): Promise<Bundle> {
  return readChecked(dir, { partOf: null });
}

async function readChecked(dir: string, { partOf }: { partOf: string | null }): Promise<Bundle> {
  const manifestPath = join(dir, MANIFEST_NAME);
  if (!existsSync(manifestPath)) throw notABundle(`${dir} is not a bundle: it has no ${MANIFEST_NAME}.`);
  if (checkPlain(manifestPath) > MAX_MANIFEST_BYTES) throw notABundle(`${manifestPath} is too large for a manifest.`);
  const manifest = parseManifest(readFileSync(manifestPath, "utf8"), manifestPath);
  checkFiles(manifest, dir);
  // Before its parts are read: they could go on without end.
  if (partOf !== null && manifest.ensemble !== null) throw notABundle(`${dir} is an ensemble within ${partOf}.`);
  for (const [name, { sha256: expected, bytes }] of Object.entries(manifest.files)) {
    const path = pathUnder(dir, name);
    if (!existsSync(path)) {
      throw new FoldwiseError("bundle.file_missing", `${name} is missing from the bundle ${dir}.`, {
        remedy: "Copy the whole folder, or train the model again.",
        details: { file: name },
      });
    }
    if (checkPlain(path) !== bytes || (await sha256File(path)) !== expected) throw hashMismatch(path);
  }
  return { dir: resolve(dir), manifest, pipeline: readPipeline(dir), parts: await readParts(dir, manifest) };
}

/** Of a bundle's manifest as it lies on the disk; it stands for everything that the bundle holds. */
export const bundleDigest = ({ dir }: Pick<Bundle, "dir">): string =>
  sha256(readRegular(join(dir, MANIFEST_NAME), MAX_MANIFEST_BYTES));

async function readParts(dir: string, { ensemble }: BundleManifest): Promise<Bundle["parts"]> {
  const parts: Bundle["parts"] = { bases: {}, layer: {} };
  if (ensemble === null) return parts;
  for (const folder of PARTS) {
    const parent = join(dir, PART_FOLDERS[folder]);
    if (existsSync(parent) && !lstatSync(parent).isDirectory()) throw unsafeFile(parent, "is not a plain folder");
    for (const { name, sha256: expected } of ensemble[folder]) {
      const path = pathUnder(dir, PART_FOLDERS[folder], name);
      if (!existsSync(path)) {
        throw new FoldwiseError("bundle.base_missing", `${name}, a part of the ensemble ${dir}, is missing.`, {
          remedy: "Copy the whole folder, or train the ensemble again.",
          details: { base: name, folder: PART_FOLDERS[folder] },
        });
      }
      if (!lstatSync(path).isDirectory()) throw unsafeFile(path, "is not a plain folder");
      const part = await readChecked(path, { partOf: dir });
      if (bundleDigest(part) !== expected) throw hashMismatch(join(path, MANIFEST_NAME));
      parts[folder][name] = part;
    }
  }
  return parts;
}

const PARTS = Object.keys(PART_FOLDERS) as PartFolder[];

async function copyParts(parts: Record<PartFolder, Readonly<Record<string, Bundle>>>, dir: string): Promise<void> {
  for (const folder of PARTS) {
    for (const [name, part] of Object.entries(parts[folder])) {
      checkName(name);
      await copyBundle(part, join(dir, PART_FOLDERS[folder], name));
    }
  }
}

/** The bytes of one file of a bundle, checked again, so that what is used is what was checked. */
export function readBundleFile(bundle: Bundle, name: string): Buffer {
  const path = pathUnder(bundle.dir, name);
  const bytes = readFileSync(path);
  if (sha256(bytes) !== bundle.manifest.files[name]?.sha256) throw hashMismatch(path);
  return bytes;
}

/** Writes a checked bundle a second time, byte for byte. */
export async function copyBundle(bundle: Bundle, dir: string): Promise<void> {
  if (resolve(dir) === bundle.dir) return;
  await replaceFolder(dir, async (temporary) => {
    for (const name of Object.keys(bundle.manifest.files)) {
      writeFileAtomic(join(temporary, name), readBundleFile(bundle, name));
    }
    await copyParts(bundle.parts, temporary);
    copySynced(join(bundle.dir, MANIFEST_NAME), join(temporary, MANIFEST_NAME));
  });
}

/** The files of a folder that a plug-in saved, as sources; only plain files with plain names are taken. */
export function bundleSources(folder: string): Record<string, BundleSource> {
  const sources: Record<string, BundleSource> = {};
  for (const name of readdirSync(folder)) {
    checkName(name);
    checkPlain(join(folder, name));
    sources[name] = { path: join(folder, name) };
  }
  return sources;
}

async function replaceFolder<T>(dir: string, fill: (temporary: string) => Promise<T>): Promise<T> {
  const target = resolve(dir);
  checkTarget(target);
  const temporary = temporaryName(target);
  try {
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(temporary);
    const result = await fill(temporary);
    publishFolder(temporary, target);
    return result;
  } catch (cause) {
    rmSync(temporary, { recursive: true, force: true });
    throw cause instanceof FoldwiseError || isProgrammingError(cause) ? cause : asWriteError(target, cause);
  }
}

function checkTarget(target: string): void {
  if (!existsSync(target)) return;
  const free = lstatSync(target).isDirectory() && readdirSync(target).length === 0;
  if (free || existsSync(join(target, MANIFEST_NAME))) return;
  throw new FoldwiseError("bundle.folder_taken", `${target} exists and is not a bundle; it is left as it is.`, {
    remedy: "Name a new folder, or one that holds an earlier bundle.",
  });
}

/** What each kind of bundle must hold. */
function checkFiles(manifest: BundleManifest, dir: string): void {
  const needed = [PIPELINE_NAME, FEATURES_NAME, CONFIG_NAME];
  if (manifest.kind === "engine") needed.push(ONNX_NAME);
  if ((manifest.kind === "ensemble") !== (manifest.ensemble !== null))
    throw notABundle(
      `${dir} is ${manifest.kind === "ensemble" ? "an ensemble without" : "no ensemble, but has"} parts.`,
    );
  if (manifest.native !== null) needed.push(manifest.native);
  const missing = needed.filter((name) => manifest.files[name] === undefined);
  if (missing.length > 0) throw notABundle(`${dir} lacks ${missing.join(", ")} in its manifest.`);
}

function checkName(name: string): void {
  if (ID_PATTERN.test(name) && name !== MANIFEST_NAME) return;
  throw new FoldwiseError("bundle.unsafe_file", `${JSON.stringify(name)} may not be a file of a bundle.`, {
    remedy: `Use plain file names of letters, digits, "_", "." and "-", without folders, and not ${MANIFEST_NAME}.`,
  });
}

/** Refuses links and anything else that is not a plain file; returns the size in bytes. */
function checkPlain(path: string): number {
  const stat = lstatSync(path);
  if (stat.isFile()) return stat.size;
  throw unsafeFile(path, "is not a plain file");
}

function unsafeFile(path: string, what: string): FoldwiseError {
  return new FoldwiseError("bundle.unsafe_file", `${path} ${what}.`, {
    remedy: "A bundle holds plain files only; copy the real files into it.",
    details: { file: basename(path) },
  });
}

function copySynced(from: string, to: string): void {
  const temporary = temporaryName(to);
  copyFileSync(from, temporary);
  publishFile(temporary, to);
}

function readPipeline(dir: string): PipelineSpec | null {
  const path = join(dir, PIPELINE_NAME);
  try {
    const json: unknown = JSON.parse(readRegular(path, MAX_PIPELINE_BYTES));
    return json === null ? null : pipelineFromJson(json);
  } catch (cause) {
    throw new FoldwiseError("bundle.bad_pipeline", `${path} does not describe a pipeline that this version knows.`, {
      remedy: "Update Foldwise, or train the model again with this version.",
      cause,
    });
  }
}

/** A zod error here means the caller's facts do not fit the schema: not a matter of disks. */
const isProgrammingError = (cause: unknown): boolean => cause instanceof Error && !("syscall" in cause);
