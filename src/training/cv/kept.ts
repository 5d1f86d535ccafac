import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Run } from "../../artifacts/index.js";
import { encodeNpy, makeFolder, readNpy, readRegular, sha256, writeFileAtomic } from "../../files/index.js";
import { foldReportSchema } from "../../report/index.js";
import type { FoldAnswer, FoldRows } from "./fold.js";

/** In a run's folder: finished folds of jobs that are not finished. */
export const FOLDS_FOLDER = "folds";

const keptSchema = z.strictObject({
  facts: foldReportSchema,
  /** Round and stop loss, of every so many rounds; none where nobody asked for it. */
  curve: z.array(z.tuple([z.number().int().positive(), z.number()])).default([]),
  /** Of every row that it saw. */
  rows_sha256: z.string(),
  p_sha256: z.string(),
});

/** Where a run keeps the folds of a job. */
export const foldsFolder = (run: Pick<Run, "dir">, job: string): string => join(run.dir, FOLDS_FOLDER, job);

/** Keeps a finished fold, so that a killed run does not fit it again. The JSON comes last: without it there is no fold. */
export function keepFold(folder: string, name: string, rows: FoldRows, { facts, p, curve }: FoldAnswer): void {
  makeFolder(folder);
  const bytes = encodeNpy("<f4", [p.length / 3, 3], p);
  writeFileAtomic(join(folder, `${name}.npy`), bytes);
  const kept: z.infer<typeof keptSchema> = {
    facts,
    curve: curve.map(([round, loss]) => [round, loss]),
    rows_sha256: rowsDigest(rows),
    p_sha256: sha256(bytes),
  };
  writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(kept)}\n`);
}

/**
 * A fold that an earlier process finished on exactly these rows; null where there is none, where it saw any other row, and where
 * its files are not what was written.
 */
export function keptFold(folder: string, name: string, rows: FoldRows): FoldAnswer | null {
  const [facts, answers] = ["json", "npy"].map((extension) => join(folder, `${name}.${extension}`));
  if (!existsSync(facts!) || !existsSync(answers!)) return null;
  try {
    const kept = keptSchema.parse(JSON.parse(readRegular(facts!)));
    const { data } = readNpy(answers!, "<f4");
    const bytes = encodeNpy("<f4", [data.length / 3, 3], data);
    const intact = kept.rows_sha256 === rowsDigest(rows) && kept.p_sha256 === sha256(bytes);
    return intact && data.length === 3 * rows.test.length ? { facts: kept.facts, p: data, curve: kept.curve } : null;
  } catch {
    return null; // a damaged fold is fitted again, as one that is not there
  }
}

/** Every set by itself and with its length: a row that moves from one set to the next makes another fold. */
function rowsDigest({ fingerprint, train, fit, stop, test }: FoldRows): string {
  const sets = { train, fit, stop, test };
  const lengths = Object.entries(sets).map(([name, rows]) => `${name} ${rows.length}`);
  const bytes = Object.values(sets).map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return sha256(Buffer.concat([Buffer.from(`${fingerprint}, ${lengths.join(", ")}\n`), ...bytes]));
}
