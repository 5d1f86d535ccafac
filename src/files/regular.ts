import { readFileSync, statSync } from "node:fs";

/**
 * The text of a regular file. A pipe or a device has no end that could be waited for, and reading it would block every signal:
 * it fails as a missing file would, with code `ENOTREG`.
 *
 * @param most bytes; a larger file fails with code `EFBIG`
 */
export function readRegular(path: string, most = 256 * 2 ** 20): string {
  const stat = statSync(path);
  if (stat.isDirectory()) throw failure("EISDIR", `${path} is a folder`);
  if (!stat.isFile()) throw failure("ENOTREG", `${path} is not a regular file`);
  if (stat.size > most) throw failure("EFBIG", `${path} has ${stat.size} bytes; at most ${most} are read`);
  return readFileSync(path, "utf8");
}

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });
