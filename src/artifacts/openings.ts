import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { appendLine } from "../files/index.js";

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

/** Counts over the whole runs folder, for a symbol and an overlapping test time range, whatever the data's fingerprint. */
export function countOpenings(runsDir: string, symbol: string, from: number, to: number): OpeningCount {
  const configurations = new Set<string>();
  let opened = 0;
  if (existsSync(runsDir)) {
    for (const entry of readdirSync(runsDir)) {
      for (const opening of readOpenings(join(runsDir, entry, FILE))) {
        if (opening.symbol !== symbol || opening.to < from || opening.from > to) continue;
        opened += 1;
        configurations.add(opening.configuration);
      }
    }
  }
  return { opened, configurations: configurations.size };
}

/** A line cut short by a kill is still an opening that began; it cannot be attributed and is left out. */
function readOpenings(file: string): TestOpening[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
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
