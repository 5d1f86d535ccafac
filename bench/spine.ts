import { parseArgs } from "node:util";
import type { Bench } from "./lib/bench.js";
import type { Figure } from "./lib/figure.js";
import { busyNote, describeMachine } from "./lib/machine.js";
import { writeResults } from "./lib/results.js";
import { markdownTable } from "./lib/table.js";
import { fitFigure, memoryFigure, rowFigure } from "./spine/fit.js";
import { prepareFigure } from "./spine/prepare.js";
import { storeFigures } from "./spine/store.js";

const PARTS: Record<string, (pairs: number) => Promise<Figure[]>> = {
  fit: async (pairs) => [await fitFigure(pairs)],
  store: (pairs) => storeFigures(pairs),
  row: async () => [await rowFigure()],
  memory: async (pairs) => [await memoryFigure(pairs)],
  prepare: async (pairs) => [await prepareFigure(pairs)],
};

export const bench: Bench = {
  name: "spine",
  summary: "the table of the spine: fit, store, one row, memory and prepare, against the libraries alone",
  usage: `[--pairs 5] [--only ${Object.keys(PARTS).join(",")}] [--write]   (--write: into bench/RESULTS.md)`,
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
    const busy = await busyNote();
    if (busy !== "") console.error(busy);
    const figures: Figure[] = [];
    for (const name of values.only.split(",")) {
      const measure = PARTS[name];
      if (measure === undefined) throw new Error(`--only ${name}: choose among ${Object.keys(PARTS).join(", ")}`);
      console.error(`${name} …`);
      for (const figure of await measure(pairs)) {
        console.error(`  ${figure.figure}: ${figure.measured} (${figure.target})`);
        figures.push(figure);
      }
    }
    const text = [introduction(pairs), ...(busy === "" ? [] : [busy]), table(figures)].join("\n\n");
    console.log(text);
    if (values.write) console.error(`Written: ${writeResults("spine", text)}`);
  },
};

function introduction(pairs: number): string {
  return [
    `## The spine (\`npm run bench -- spine\`)`,
    "",
    `Medians of ${pairs} interleaved pairs in one run; 0.2 s are allowed beside the ratios of times.`,
    "",
    `Machine: ${describeMachine()}.`,
  ].join("\n");
}

function table(figures: readonly Figure[]): string {
  return markdownTable(
    ["figure", "Foldwise", "reference", "measured", "target", "met"],
    figures.map((f) => [f.figure, f.ours, f.reference, f.measured, f.target, f.met ? "yes" : "NO"]),
  );
}
