import { join, resolve, sep } from "node:path";
import { FoldwiseError } from "../types/index.js";

/** Ids that may become part of a path. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Names that Windows keeps for devices, whatever extension follows. */
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Returns `value` when it may stand in a path; else throws `usage.bad_id`. `what` names it in the message: "symbol". */
export function checkId(value: string, what: string): string {
  if (DEVICE_NAME.test(value) || (value.endsWith(".") && ID_PATTERN.test(value))) {
    throw new FoldwiseError(
      "usage.bad_id",
      `${JSON.stringify(value)} is not a valid ${what}: Windows has no such file.`,
      {
        remedy: `Choose a name that is not a device's (CON, NUL, COM1 …) and does not end in ".".`,
        details: { got: value },
      },
    );
  }
  if (ID_PATTERN.test(value)) return value;
  throw new FoldwiseError("usage.bad_id", `${JSON.stringify(value)} is not a valid ${what}.`, {
    remedy: `Use 1 to 64 letters, digits, "_", "." or "-", beginning with a letter or digit.`,
    details: { got: value, pattern: ID_PATTERN.source },
  });
}

/**
 * The one place where ids become paths: joins `parts` below `root` and refuses any result outside it.
 * Ids in `parts` must have passed `checkId`.
 */
export function pathUnder(root: string, ...parts: string[]): string {
  const base = resolve(root);
  const full = resolve(join(base, ...parts));
  if (full !== base && !full.startsWith(base.endsWith(sep) ? base : base + sep)) {
    throw new FoldwiseError("usage.path_outside_root", `${parts.join("/")} leaves ${base}.`, {
      remedy: "Use plain names without '..'.",
    });
  }
  return full;
}
