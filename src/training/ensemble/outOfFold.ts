import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { viewOf } from "../../data/index.js";
import type { BaseAnswers } from "../../evaluation/index.js";
import { encodeNpy, makeFolder, readNpy, readRegular, sha256, writeFileAtomic } from "../../files/index.js";
import type { FeatureView } from "../../types/index.js";
import { type Fold, purgedKFold, type StopSlice, stopSlice } from "../../validation/index.js";
import { everyOne, modelOf, type PartContext } from "./bases.js";
import { labelsAt, latestEndsOf, placesAmong, weightsAt } from "./rows.js";
import type { PartSpec } from "./settings.js";

export interface OutOfFoldWork {
  /** Training rows, each of which ends the longest window of the bases. */
  X: FeatureView;
  y: Int8Array;
  weights?: Float32Array | undefined;
  folds: number;
  /** Rows; of folds and of their stop slices. */
  embargo: number;
  context: PartContext;
  /** This pass's own folder. */
  workDir: string;
  /** Where finished folds are kept; nowhere when absent. */
  keepDir?: string | undefined;
  /** Called as each fit goes on: task, and its share that is done. */
  onProgress: (task: number, share: number) => void;
}

/**
 * What each base says of every training row by a fit that had not seen it: purged k-fold over the training rows alone, each fit
 * stopped by the last rows of its own fold's training rows (Wolpert, Stacked Generalization, 1992).
 *
 *     fold 0   ├ test ┤p e├── fit ──────────┤e p├ stop ┤
 *     fold 1   ├ fit ┤p├ test ┤p e├── fit ──┤e p├ stop ┤      …
 *
 * A base that fails in a fold is reported to `onFailure`, which throws or lets it be left out.
 *
 * @returns (N, 3) of each base that did not fail, in the order of `bases` and of the rows of `X`.
 */
export async function outOfFold(
  bases: readonly PartSpec[],
  work: OutOfFoldWork,
  onFailure: (base: PartSpec, cause: unknown) => void,
): Promise<BaseAnswers[]> {
  const { X, folds: count, embargo } = work;
  const { dataset, rows } = X;
  const input = { timestamps: dataset.timestamps(), ends: latestEndsOf(dataset), rows, embargo };
  const folds = purgedKFold(input, count);
  const among = placesAmong(rows);
  const answers = bases.map(({ definition }) => ({ name: definition.id, p: new Float32Array(3 * rows.length) }));
  const failed = new Set<number>();
  await everyOne(
    bases.flatMap((base, b) =>
      folds.map((fold, f) => async () => {
        if (failed.has(b)) return;
        const slice: StopSlice = base.definition.capabilities.earlyStopping
          ? stopSlice(input, fold.train)
          : { fit: fold.train, stop: new Int32Array(0), purged: 0, embargoed: 0 };
        try {
          const p = await answerFold({ base, fold, slice, among }, work, (share) =>
            work.onProgress(b * folds.length + f, share),
          );
          for (const [i, at] of among(fold.test).entries()) answers[b]!.p.set(p.subarray(3 * i, 3 * i + 3), 3 * at);
        } catch (cause) {
          if (work.context.signal?.aborted) throw cause;
          // Of a base that was left out, folds may still be at work.
          if (failed.has(b)) return;
          onFailure(base, cause);
          failed.add(b);
        }
      }),
    ),
  );
  return answers.filter((_, b) => !failed.has(b));
}

interface FoldOfBase {
  base: PartSpec;
  fold: Fold;
  slice: StopSlice;
  among: (rows: Int32Array) => Int32Array;
}

async function answerFold(
  { base, fold, slice, among }: FoldOfBase,
  { X, y, weights, context, workDir, keepDir }: OutOfFoldWork,
  onShare: (share: number) => void,
): Promise<Float32Array> {
  const { dataset } = X;
  const name = `${base.definition.id}_f${fold.fold}`;
  const how = JSON.stringify([base.model_params, base.training, context.seed, context.origin.versions]);
  const digest = digestOf(how, [slice.fit, slice.stop, fold.test]);
  const kept = keepDir === undefined ? null : readKept(join(keepDir, name), digest, fold.test.length);
  if (kept !== null) {
    onShare(1);
    return kept;
  }
  const tested = viewOf(dataset, fold.test);
  const dir = join(workDir, name);
  rmSync(dir, { recursive: true, force: true });
  const model = modelOf(base, context, {
    workDir: dir,
    name: `${base.definition.id} out of fold ${fold.fold + 1}`,
    foreseen: tested,
  });
  try {
    const fit = among(slice.fit);
    const sampleWeights = weightsAt(weights, fit);
    await model.fit(
      viewOf(dataset, slice.fit),
      labelsAt(y, fit),
      viewOf(dataset, slice.stop),
      labelsAt(y, among(slice.stop)),
      {
        onProgress: ({ step, total }) => onShare(Math.min(0.99, step / total)),
        ...(sampleWeights === undefined ? {} : { sampleWeights }),
        ...(context.signal === undefined ? {} : { signal: context.signal }),
      },
    );
    const p = await model.answer(tested);
    if (keepDir !== undefined) keep(join(keepDir, name), digest, p);
    onShare(1);
    return p;
  } finally {
    await model.dispose();
  }
}

/** Of everything that a fold's answers depend on. */
const digestOf = (how: string, sets: readonly Int32Array[]): string =>
  sha256(
    Buffer.concat([
      Buffer.from(how),
      ...sets.flatMap((rows) => [Buffer.from(`${rows.length}\n`), Buffer.from(rows.slice().buffer)]),
    ]),
  );

/** The text comes last: without it there is no kept fold. */
function keep(path: string, digest: string, p: Float32Array): void {
  makeFolder(join(path, ".."));
  const bytes = encodeNpy("<f4", [p.length / 3, 3], p);
  writeFileAtomic(`${path}.npy`, bytes);
  writeFileAtomic(`${path}.txt`, `${digest} ${sha256(bytes)}\n`);
}

/** Null where there is none of these rows, or one that is damaged: it is fitted again. */
function readKept(path: string, digest: string, rows: number): Float32Array | null {
  if (!existsSync(`${path}.txt`) || !existsSync(`${path}.npy`)) return null;
  try {
    const { data } = readNpy(`${path}.npy`, "<f4");
    const bytes = encodeNpy("<f4", [data.length / 3, 3], data);
    const intact = readRegular(`${path}.txt`, 1024) === `${digest} ${sha256(bytes)}\n`;
    return intact && data.length === 3 * rows ? data : null;
  } catch {
    return null;
  }
}
