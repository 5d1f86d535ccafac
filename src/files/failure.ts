import { FoldwiseError } from "../types/index.js";

/** What the system says when a file cannot be written, in words. */
const WRITE_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than is allowed",
  EACCES: "no permission",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  EMFILE: "too many files are open",
};

/**
 * Any failure as one that a person can act on: a `FoldwiseError` as it is, what the disk refused as `io.failed`, and all else, which is a
 * defect of ours, as `engine.unexpected`.
 */
export function toFoldwiseError(cause: unknown): FoldwiseError {
  if (cause instanceof FoldwiseError) return cause;
  const fault = cause instanceof Error && "code" in cause ? WRITE_FAULTS[String(cause.code)] : undefined;
  if (fault !== undefined) {
    const path = cause instanceof Error && "path" in cause ? `${String(cause.path)}: ` : "";
    return new FoldwiseError("io.failed", `${path}${fault}.`, {
      remedy: "Free disk space or check the folder's permissions, then run again.",
      cause,
    });
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return new FoldwiseError("engine.unexpected", `Unexpected failure: ${message}`, {
    remedy: "Run again with --verbose for the stack trace, and report it with the command you typed.",
    cause,
  });
}
