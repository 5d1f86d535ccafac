import { closest, distance } from "fastest-levenshtein";
import { FoldwiseError } from "../types/index.js";

/** `*` stands for any characters, `?` for one. */
function matcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  const regex = new RegExp(`^${source}$`);
  return (name) => regex.test(name);
}

/**
 * The names that `include` keeps (all when it is empty) and `exclude` does not take away.
 *
 * @throws `config.unknown_feature` for a name or pattern that fits nothing, with the nearest name.
 */
export function selectNames(
  names: readonly string[],
  include: readonly string[],
  exclude: readonly string[],
): Set<string> {
  for (const pattern of [...include, ...exclude]) refuseUnknown(pattern, names);
  const kept = include.map(matcher);
  const dropped = exclude.map(matcher);
  return new Set(
    names.filter((name) => (kept.length === 0 || kept.some((m) => m(name))) && !dropped.some((m) => m(name))),
  );
}

function refuseUnknown(pattern: string, names: readonly string[]): void {
  if (names.some(matcher(pattern))) return;
  throw unknownFeature(pattern, names);
}

/** The error for a name that no feature has. */
export function unknownFeature(name: string, names: readonly string[]): FoldwiseError {
  const nearest = names.length === 0 ? undefined : closest(name, [...names]);
  const suggestion =
    nearest !== undefined && distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3)) ? nearest : undefined;
  return new FoldwiseError(
    "config.unknown_feature",
    `No feature is named or matched by "${name}"${suggestion === undefined ? "" : `; did you mean "${suggestion}"?`}`,
    {
      remedy:
        "Use a name of docs/features.md, or a pattern such as rsi_* or 1h_*; periods and timeframes are set in features:.",
      details: { name, nearest: suggestion ?? null },
    },
  );
}
