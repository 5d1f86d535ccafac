import { table } from "../report/index.js";
import type { Audit } from "./schema.js";
import { list, number } from "./words.js";

/** Findings of one check and verdict that are written out; the others are named. */
const WRITTEN = 5;
const SPLITS = 3;
const NAMES: Record<Audit["checks"][number]["check"], string> = {
  overlap: "label overlap",
  ends: "label ends",
  duplicates: "duplicates",
  scaling: "scaling",
  look_ahead: "look-ahead",
  single_feature: "single feature",
  bars: "from bars",
  run: "run",
};

/** An audit for the terminal: the head line, what was looked at, then the findings with what to do. */
export function formatAudit(audit: Audit): string {
  return [
    audit.head_line,
    title(audit),
    table(
      [
        ["check", "verdict", "looked at"],
        ...audit.checks.map(({ check, verdict, looked }) => [NAMES[check], verdict, looked]),
      ],
      "words",
    ),
    ...findings(audit),
    ...audit.notices.map((notice) => `Note: ${notice}`),
    closing(audit),
  ]
    .filter((section) => section !== "")
    .join("\n\n")
    .concat("\n");
}

function title({ symbol, kind, run_id, sources, rows, features, horizons, splits }: Audit): string {
  const what = {
    run: `run ${run_id}`,
    split: `${list(sources)}, rows as they stand, nothing purged`,
    dataset: `${list(sources)}, rows purged as \`foldwise train\` does`,
  }[kind];
  // Those of a hold-out that come after training are what the first one is judged by.
  const judging = new Set(splits[0]?.held.map(({ name }) => name));
  const uses = splits
    .filter(({ name }) => !judging.has(name))
    .map(
      ({ name, fitted, held }) =>
        `${name} ${number(fitted)} → ${held.map((part) => `${part.name} ${number(part.rows)}`).join(", ")}`,
    );
  const shown = uses.length > SPLITS ? [...uses.slice(0, SPLITS), `and ${number(uses.length - SPLITS)} more`] : uses;
  const bars = `horizon${horizons.length === 1 ? "" : "s"} ${horizons.join(", ")}`;
  return `${symbol}: ${number(rows)} rows × ${number(features)} features, ${bars}; ${what}\nRows fitted → judged by: ${shown.join("; ")}`;
}

function findings({ findings }: Audit): string[] {
  const groups = new Map<string, Audit["findings"]>();
  for (const found of findings) {
    const key = `${found.verdict} ${found.check}`;
    groups.set(key, [...(groups.get(key) ?? []), found]);
  }
  return [...groups.values()].flatMap((group) => {
    const shown = group.slice(0, WRITTEN).map(({ verdict, check, message, remedy }, i) => {
      const repeats = i > 0 && group[i - 1]!.remedy === remedy;
      return `${verdict.toUpperCase()} (${NAMES[check]}) ${message}${repeats ? "" : `\n  ${remedy}`}`;
    });
    const rest = group.slice(WRITTEN);
    if (rest.length === 0) return shown;
    const named = rest.map(
      ({ feature, split, horizon }) =>
        feature ?? [split, horizon === null ? null : `h${horizon}`].filter((part) => part !== null).join(" "),
    );
    return [...shown, `… and ${number(rest.length)} more such: ${list(named, 12)}`];
  });
}

function closing({ verdict, seconds }: Audit): string {
  return [
    verdict === "none" ? "What was looked for was not found; that is no proof that nothing is there." : "",
    `${seconds.toFixed(1)} s.`,
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}
