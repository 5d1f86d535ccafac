import { FoldwiseError, NO_LABEL, PART_NAMES, type PartName, type RowRange } from "../types/index.js";
import { HOLDOUT_PARTS, type HoldoutPlan, planHoldout } from "../validation/index.js";
import type { AuditRows, AuditSplit } from "./subject.js";

const WORDS: Record<PartName, readonly string[]> = {
  train: ["train", "training", "fit", "in_sample", "is"],
  val: ["val", "valid", "validation", "dev", "stop", "calibrate"],
  test: ["test", "testing", "holdout", "hold_out", "oos", "out_of_sample"],
};
/** Rows of no use in this split. */
const UNUSED = ["", "none", "unused", "purged", "embargo", "embargoed", "na", "nan"];
const MOST_FOLDS = 200;

/** The four uses of a hold-out, each against all later ones. */
export function holdoutSplits(
  plan: Pick<HoldoutPlan, (typeof HOLDOUT_PARTS)[number]>,
  parts: Record<PartName, RowRange>,
): AuditSplit[] {
  return HOLDOUT_PARTS.slice(0, -1).map((name, i): AuditSplit => {
    const held = HOLDOUT_PARTS.slice(i + 1).map((other) => ({ name: other, rows: plan[other] }));
    return name === "train"
      ? { name, fit: plan.train, held, mayScale: rangeRows(parts.train) }
      : { name, fit: plan[name], held, scales: false };
  });
}

/** The rows that `foldwise train` would use of these parts, purged. Its embargo would take more, so what is clean here is clean there. */
export function plannedSplits(rows: AuditRows, parts: Record<PartName, RowRange>): AuditSplit[] {
  const plan = planHoldout({
    timestamps: rows.timestamps,
    labels: rows.horizons.map((horizon) => rows.labels(horizon)),
    labelEnds: rows.horizons.map((horizon) => rows.labelEnds(horizon)),
    parts,
    embargo: 0,
  });
  return holdoutSplits(plan, parts);
}

export const rangeRows = ({ start, end }: RowRange): Int32Array =>
  Int32Array.from({ length: end - start }, (_, i) => start + i);

/**
 * What a column says of each row: train, val or test; or the number of the fold that tests it, all others being its training rows.
 *
 * @throws FoldwiseError `data.bad_split` for other words, and for columns without rows to fit or to judge by.
 */
export function wordSplits(name: string, words: readonly (string | null)[]): AuditSplit[] {
  const said = words.map((word) => (word ?? "").trim().toLowerCase().replace(/[- ]/g, "_"));
  const different = [...new Set(said)].filter((word) => !UNUSED.includes(word));
  const numbers = different.every((word) => /^\d+(\.0+)?$/.test(word));
  if (numbers && different.length >= 3) return foldSplits(name, said, different);
  const useOf = new Map(different.map((word) => [word, PART_NAMES.find((part) => WORDS[part].includes(word))]));
  const odd = different.find((word) => useOf.get(word) === undefined);
  if (odd !== undefined) {
    throw badSplit(name, `holds ${JSON.stringify(odd)}.`);
  }
  const rowsOf = (part: PartName): Int32Array => rowsWhere(said, (word) => useOf.get(word) === part);
  const [train, val, test] = PART_NAMES.map(rowsOf) as [Int32Array, Int32Array, Int32Array];
  if (train.length === 0 || val.length + test.length === 0) {
    throw badSplit(name, `has ${train.length} training rows, ${val.length} of validation and ${test.length} of test.`);
  }
  const held = [
    { name: "val", rows: val },
    { name: "test", rows: test },
  ].filter(({ rows }) => rows.length > 0);
  const fit: AuditSplit = { name: name === "split files" ? "train" : `${name}: train`, fit: train, held };
  if (held.length < 2) return [fit];
  return [fit, { name: name === "split files" ? "val" : `${name}: val`, fit: val, held: held.slice(1), scales: false }];
}

function foldSplits(name: string, said: readonly string[], folds: readonly string[]): AuditSplit[] {
  if (folds.length > MOST_FOLDS)
    throw badSplit(name, `numbers ${folds.length} folds; at most ${MOST_FOLDS} are audited.`);
  return [...folds]
    .sort((a, b) => Number(a) - Number(b))
    .map((fold) => ({
      name: `${name} ${fold}: train`,
      fit: rowsWhere(said, (word) => word !== fold && !UNUSED.includes(word)),
      held: [{ name: "test", rows: rowsWhere(said, (word) => word === fold) }],
    }));
}

function rowsWhere(said: readonly string[], test: (word: string) => boolean): Int32Array {
  return Int32Array.from([...said.keys()].filter((row) => test(said[row]!)));
}

const badSplit = (name: string, what: string): FoldwiseError =>
  new FoldwiseError("data.bad_split", `Column "${name}" ${what}`, {
    remedy: `Write train, val or test for each row (empty: not used), or the number of the fold that tests it, from three folds on.`,
    details: { column: name },
  });

/** Rows with a label at any horizon. */
export function labelledCount(rows: AuditRows): number {
  const labels = rows.horizons.map((horizon) => rows.labels(horizon));
  let count = 0;
  for (let row = 0; row < rows.rows; row++) if (labels.some((y) => y[row] !== NO_LABEL)) count++;
  return count;
}
