import { CLASS_COUNT, FoldwiseError, NO_LABEL } from "../../types/index.js";

/** Throws `usage.conformal_level` unless `level` lies in (0, 1). */
export function checkLevel(level: number): void {
  if (level > 0 && level < 1) return;
  throw new FoldwiseError("usage.conformal_level", `Got the level ${level}; it must lie between 0 and 1.`, {
    remedy: "Give the share of rows whose set is to hold the true class, such as 0.9.",
    details: { got: level },
  });
}

/** Throws `data.shape_mismatch` unless `values`, which the message calls `name`, holds `each` values for each of `n` rows. */
export function checkLength(name: string, values: { length: number }, n: number, each = 1): void {
  if (values.length === each * n) return;
  throw new FoldwiseError(
    "data.shape_mismatch",
    `Got ${values.length} values of ${name} for ${n} rows; expected ${each * n}.`,
    { remedy: "Give all arrays for the same rows." },
  );
}

/** Throws `data.bad_label` with the row unless all labels are −1, 0 or 1 (or, where allowed, `NO_LABEL`). */
export function checkLabels(y: Int8Array, { unlabelled }: { unlabelled: "allowed" | "refused" }): void {
  const bad = y.findIndex((label) => (label < -1 || label > 1) && !(unlabelled === "allowed" && label === NO_LABEL));
  if (bad < 0) return;
  throw new FoldwiseError("data.bad_label", `Row ${bad} has the label ${y[bad]}; only −1, 0 and 1 are labels.`, {
    remedy: "Leave context rows (those without a label) out.",
    details: { row: bad, got: y[bad] },
  });
}

/** N of an (N, 3) array that the message calls `name`. Throws `data.no_rows` or `data.shape_mismatch` unless it is one. */
export function rowsOf(name: string, values: { length: number }): number {
  const n = Math.ceil(values.length / CLASS_COUNT);
  if (n === 0) {
    throw new FoldwiseError("data.no_rows", `There are no ${name}.`, {
      remedy: "Give at least one row; check what purging and the embargo left of this part.",
    });
  }
  checkLength(name, values, n, CLASS_COUNT);
  return n;
}
