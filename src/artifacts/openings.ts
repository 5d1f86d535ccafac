import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { appendLine, readRegular } from "../files/index.js";
import { FoldwiseError } from "../types/index.js";
import { runsFolderExists } from "./runsFolder.js";

/** One evaluation of one configuration on test rows (design, section 7). */
const openingSchema = z.strictObject({
  symbol: z.string(),
  /** First and last test timestamp, microseconds. */
  from: z.number(),
  to: z.number(),
  /** Hash of model, parameters, horizon, seed and features. */
  configuration: z.string(),
  job: z.string(),
});
export type TestOpening = z.infer<typeof openingSchema>;

/** How often a test range was looked at, and by how many configurations. */
export interface OpeningCount {
  opened: number;
  configurations: number;
}

const FILE = "openings.ndjson";

/** Writes the opening down before the test rows are scored, so that a killed process counts too. */
export function recordOpening(runDir: string, opening: TestOpening): void {
  appendLine(join(runDir, FILE), JSON.stringify(opening));
}

/** Counts those of a symbol that overlap a test time range, whatever the data's fingerprint. */
export function countOpenings(
  openings: readonly TestOpening[],
  { symbol, from, to }: Pick<TestOpening, "symbol" | "from" | "to">,
): OpeningCount {
  const counted = openings.filter((opening) => opening.symbol === symbol && opening.to >= from && opening.from <= to);
  return { opened: counted.length, configurations: new Set(counted.map(({ configuration }) => configuration)).size };
}

/** What one run has opened so far. */
export const openingsOf = (runDir: string): TestOpening[] => readOpenings(join(runDir, FILE));

/** What all other runs of the folder have opened so far. */
export function openingsOfOthers({ runsDir, dir }: { runsDir: string; dir: string }): TestOpening[] {
  if (!runsFolderExists(runsDir)) return [];
  return readdirSync(runsDir)
    .map((entry) => resolve(runsDir, entry))
    .filter((other) => other !== resolve(dir))
    .flatMap(openingsOf);
}

/** A line cut short by a kill is still an opening that began; it cannot be attributed and is left out. */
function readOpenings(file: string): TestOpening[] {
  if (!existsSync(file)) return [];
  return textOf(file)
    .split("\n")
    .flatMap((line) => {
      try {
        const parsed = openingSchema.safeParse(JSON.parse(line));
        return parsed.success ? [parsed.data] : [];
      } catch {
        return [];
      }
    });
}

function textOf(file: string): string {
  try {
    return readRegular(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FoldwiseError("data.bad_openings", `The test openings of a run cannot be read: ${why}.`, {
      remedy: "Put the file back, or remove what stands in its place: without it the openings are not counted.",
      cause,
    });
  }
}
