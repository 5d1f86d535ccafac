import { FoldwiseError } from "../src/types/index.js";
import type { Bench } from "./lib/bench.js";

/** Loaded one at a time: none should need what another one imports. */
const BENCHES: Record<string, () => Promise<Bench>> = {
  attainable: async () => (await import("./attainable-table.js")).bench,
  ensembles: async () => (await import("./ensembles.js")).bench,
  neural: async () => (await import("./neural.js")).bench,
  spine: async () => (await import("./spine.js")).bench,
  tabular: async () => (await import("./tabular.js")).bench,
  tune: async () => (await import("./tune.js")).bench,
  validation: async () => (await import("./validation.js")).bench,
};

async function main([name, ...args]: string[]): Promise<number> {
  const load = name === undefined ? undefined : BENCHES[name];
  if (load === undefined) {
    if (name !== undefined && name !== "--help") console.error(`There is no benchmark ${JSON.stringify(name)}.`);
    console.error("npm run bench -- NAME [flags]\n");
    for (const each of Object.values(BENCHES)) {
      const { name: known, summary } = await each();
      console.error(`  ${known.padEnd(12)} ${summary}`);
    }
    return name === "--help" ? 0 : 2;
  }
  const bench = await load();
  if (args.includes("--help")) {
    console.error(`npm run bench -- ${bench.name} ${bench.usage}\n\n${bench.summary}`);
    return 0;
  }
  await bench.run(args);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof FoldwiseError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
