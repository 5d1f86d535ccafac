import { parseArgs } from "node:util";
import { type Attainable, attainable } from "./attainable.js";
import type { Bench } from "./lib/bench.js";
import { writeResults } from "./lib/results.js";
import { markdownTable } from "./lib/table.js";

export const bench: Bench = {
  name: "attainable",
  summary: "the log-loss that the demo generator's hidden state attains, against the prior, per horizon",
  usage:
    "[--symbol MES,MGC] [--bars 20000] [--bar 5m] [--seed 7] [--rows 2000] [--paths 2000] [--from ROW] [--horizons 5,10,15,20] [--write]",
  run: async (args) => {
    const { values } = parseArgs({
      args,
      options: {
        symbol: { type: "string", default: "MES,MGC" },
        bars: { type: "string", default: "20000" },
        bar: { type: "string", default: "5m" },
        seed: { type: "string", default: "7" },
        rows: { type: "string", default: "2000" },
        paths: { type: "string", default: "2000" },
        horizons: { type: "string", default: "5,10,15,20" },
        from: { type: "string" },
        write: { type: "boolean", default: false },
      },
    });
    const tables: string[] = [];
    for (const symbol of values.symbol.split(",")) {
      const start = Date.now();
      const results = attainable({
        symbol,
        bars: Number(values.bars),
        bar: values.bar,
        seed: Number(values.seed),
        rows: Number(values.rows),
        paths: Number(values.paths),
        horizons: values.horizons.split(",").map(Number),
        ...(values.from === undefined ? {} : { rowsFrom: Number(values.from) }),
        onProgress: (done, total) => {
          if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} rows`);
        },
      });
      const { bars, bar, seed, paths } = values;
      const took = ((Date.now() - start) / 1000).toFixed(0);
      const what = `Synthetic ${symbol}, ${bars} bars of ${bar}, seed ${seed}`;
      tables.push(`${what}: ${results[0]?.rows} rows × ${paths} paths, ${took} s.\n\n${attainableTable(results)}`);
    }
    const text = [INTRODUCTION, ...tables].join("\n\n");
    console.log(text);
    if (values.write) console.error(`Written: ${writeResults("attainable", text)}`);
  },
};

const INTRODUCTION = `## What the demo bars' hidden state attains (\`npm run bench -- attainable\`)

Log-loss in nats ± standard error over dependent rows, of the class probabilities that simulated continuations from the hidden
state give through the real labelling code. No model can do better in expectation. The estimators stand in \`bench/attainable.ts\`.`;

export function attainableTable(results: readonly Attainable[]): string {
  const header = ["horizon", "attainable", "prior", "gap", "at the labels that came true", "prior there"];
  return markdownTable(
    header,
    results.map((r) => [
      String(r.horizon),
      plusMinus(r.attainable, r.standardError),
      r.prior.toFixed(4),
      plusMinus(r.gap, r.gapStandardError),
      plusMinus(r.realised.value, r.realised.standardError),
      r.realisedPrior.toFixed(4),
    ]),
  );
}

function plusMinus(value: number, error: number): string {
  return `${value.toFixed(4)} ± ${error.toFixed(4)}`;
}
