import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Run } from "../../artifacts/index.js";
import { encodeNpy, makeFolder, readNpy, readRegular, sha256, writeFileAtomic } from "../../files/index.js";
import { foldReportSchema } from "../../report/index.js";
import type { FoldAnswer } from "./fold.js";
import type { PlannedFold } from "./plan.js";

/** In a run's folder: finished folds of jobs that are not finished. */
export const FOLDS_FOLDER = "folds";

const keptSchema = z.strictObject({
  facts: foldReportSchema,
  /** Of the rows that it fitted and tested. */
  rows_sha256: z.string(),
  p_sha256: z.string(),
});

const folderOf = (run: Run, job: string): string => join(run.dir, FOLDS_FOLDER, job);

/** Keeps a finished fold, so that a killed run does not fit it again. The JSON comes last: without it there is no fold. */
export function keepFold(run: Run, job: string, name: string, fold: PlannedFold, { facts, p }: FoldAnswer): void {
  const folder = folderOf(run, job);
  makeFolder(folder);
  const bytes = encodeNpy("<f4", [p.length / 3, 3], p);
  writeFileAtomic(join(folder, `${name}.npy`), bytes);
  const kept: z.infer<typeof keptSchema> = { facts, rows_sha256: rowsDigest(fold), p_sha256: sha256(bytes) };
  writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(kept)}\n`);
}

/** A fold that an earlier process finished, on the same rows; null where there is none, or where its files are not what was written. */
export function keptFold(run: Run, job: string, name: string, fold: PlannedFold): FoldAnswer | null {
  const [facts, answers] = ["json", "npy"].map((extension) => join(folderOf(run, job), `${name}.${extension}`));
  if (!existsSync(facts!) || !existsSync(answers!)) return null;
  try {
    const kept = keptSchema.parse(JSON.parse(readRegular(facts!)));
    const { data } = readNpy(answers!, "<f4");
    const bytes = encodeNpy("<f4", [data.length / 3, 3], data);
    const intact = kept.rows_sha256 === rowsDigest(fold) && kept.p_sha256 === sha256(bytes);
    return intact && data.length === 3 * fold.test.length ? { facts: kept.facts, p: data } : null;
  } catch {
    return null; // a damaged fold is fitted again, as one that is not there
  }
}

function rowsDigest({ train, test }: PlannedFold): string {
  return sha256(
    Buffer.concat(
      [train, test].map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
    ),
  );
}
