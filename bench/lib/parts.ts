import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { writeFileAtomic } from "../../src/files/index.js";
import type { Bench } from "./bench.js";
import { benchFolder } from "./dataset.js";
import type { Figure } from "./figure.js";
import { busyNote, describeMachine } from "./machine.js";
import { writeResults } from "./results.js";
import { markdownTable } from "./table.js";

export interface Part {
  measure: (options: { pairs: number; small: boolean; rows: number }) => Promise<Figure[]>;
  /** What another job on the machine does not move. */
  untimed?: boolean;
  /** Measured once, or over repetitions of its own. */
  unpaired?: boolean;
  /** Said under the table where the part's target was not reached. */
  why?: string;
}

export interface PartsOptions {
  name: string;
  summary: string;
  /** How long it takes in all, and what else `--help` should say. */
  usage: string;
  pairs: number;
  title: string;
  /** Under the title: what was measured. */
  introduction: string;
  /** Whether it knows `--small`, to be tried in a minute; such figures are neither kept nor written. */
  small?: boolean;
  /** Rows by default, where `--rows` may ask for others: those have a table of their own. */
  rows?: number;
  parts: Record<string, Part>;
}

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
  z.object({ machine: z.string(), pairs: z.number().nullable(), busy: z.string(), figures: z.array(figure) }),
);
type Kept = z.infer<typeof kept>;

/** A benchmark in parts that are measured one at a time and kept, for one table. */
export function partsBench(options: PartsOptions): Bench {
  const { name, parts } = options;
  const known = Object.keys(parts).join(",");
  const small = options.small === true ? " [--small]" : "";
  const sized = options.rows === undefined ? "" : ` [--rows ${options.rows}]`;
  return {
    name,
    summary: options.summary,
    usage: `[--pairs ${options.pairs}] [--only ${known}]${small}${sized} [--write]\n  --write: into bench/RESULTS.md; with --only "" nothing is measured. ${options.usage}`,
    run: async (args) => {
      const { values } = parseArgs({
        args,
        options: {
          pairs: { type: "string" },
          only: { type: "string", default: known },
          write: { type: "boolean", default: false },
          ...(options.small === true ? { small: { type: "boolean", default: false } as const } : {}),
          ...(options.rows === undefined ? {} : { rows: { type: "string" } as const }),
        },
      });
      const isSmall = "small" in values && values.small === true;
      const pairs = countOf("--pairs", values.pairs ?? String(isSmall ? 1 : options.pairs));
      const asked = "rows" in values ? (values.rows as string | undefined) : undefined;
      const rows = asked === undefined ? (options.rows ?? 0) : countOf("--rows", asked);
      const section = rows === (options.rows ?? 0) ? name : `${name}-${rows}`;
      const path = join(benchFolder(), `${section}.json`);
      const read = (): Kept => (existsSync(path) ? kept.parse(JSON.parse(readFileSync(path, "utf8"))) : {});
      const machine = describeMachine();
      let measured: Kept = isSmall ? {} : read();
      for (const chosen of values.only.split(",").filter((part) => part !== "")) {
        const part = parts[chosen];
        if (part === undefined) throw new Error(`--only ${chosen}: choose among ${known}`);
        const busy = part.untimed === true ? "" : await busyNote();
        console.error(`${chosen} … ${busy}`);
        const figures = await part.measure({ pairs, small: isSmall, rows });
        for (const each of figures) console.error(`  ${each.figure}: ${each.measured} (${each.target})`);
        measured = { ...measured, [chosen]: { machine, pairs: part.unpaired === true ? null : pairs, busy, figures } };
        if (!isSmall) writeFileAtomic(path, `${JSON.stringify(measured, null, 2)}\n`);
      }
      const text = table(options, measured, section === name ? name : `${name} --rows ${rows}`);
      console.log(text);
      if (values.write && !isSmall) console.error(`Written: ${writeResults(section, text)}`);
    },
  };
}

function countOf(flag: string, text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Error(`${flag} ${text}: give a whole number of at least 1`);
}

/** One table; a part that another machine measured, or a busy one, says so above it. */
function table({ title, introduction, parts }: PartsOptions, measured: Kept, command: string): string {
  const named = Object.entries(parts).flatMap(([part, { why }]) =>
    measured[part] === undefined ? [] : [{ part, why, ...measured[part] }],
  );
  const [first] = named;
  const paired = named.filter(({ pairs }) => pairs !== null).map(({ part, pairs }) => `${part} ${pairs}`);
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
    `## ${title} (\`npm run bench -- ${command}\`)`,
    "",
    paired.length === 0 ? introduction : `Medians of interleaved pairs (${paired.join(", ")}). ${introduction}`,
    "",
    `Machine: ${first?.machine ?? ""}.`,
    "",
    ...odd.map(({ part, machine, busy }) => `Part ${part}: ${busy} ${machine}.\n`),
    markdownTable(["figure", "Foldwise", "reference", "measured", "target", "met"], rows),
    ...named
      .filter(({ why, figures }) => why !== undefined && figures.some(({ met }) => !met))
      .map(({ part, why }) => `\nNot reached (${part}). ${why}`),
  ].join("\n");
}
