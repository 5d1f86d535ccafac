import { openBenchDataset } from "../lib/dataset.js";
import { type Figure, inMebibytes } from "../lib/figure.js";
import { measureInPython } from "./python.js";
import { MOST_MEMORY } from "./train.js";

/** The reference divided by this is the most that an epoch may take. */
const FASTER: Record<string, number> = { lstm: 15, gru: 6, tcn: 20, transformer: 25 };

/** Seconds an epoch, training and true-window validation, beside the plain loop; and what of the machine ours uses. */
export async function epochFigures(options: { pairs: number; small: boolean }): Promise<Figure[]> {
  const data = options.small ? ["--small"] : ["--dataset", (await openBenchDataset()).dir];
  const { epochs } = await measureInPython(["--parts", "epochs", "--pairs", String(options.pairs), ...data]);
  return (epochs ?? []).flatMap((each): Figure[] => {
    const least = FASTER[each.model] ?? 1;
    const billions = (rate: number) => (rate / 1e9).toFixed(0);
    return [
      {
        figure: `${each.model}, T = ${each.length}: an epoch with true-window validation`,
        ours: `${each.ours.toFixed(2)} s`,
        reference: `${each.plain.toFixed(1)} s plain windowed loop`,
        measured: `1/${(each.plain / each.ours).toFixed(1)}`,
        target: `≤ 1/${least}`,
        met: each.ours * least <= each.plain,
      },
      {
        figure: `${each.model}: floating-point rate while it trains`,
        ours: `${billions(each.rate)} GFLOP/s`,
        reference: `${billions(each.matrix_rate)} GFLOP/s matrix product`,
        measured: `${((100 * each.rate) / each.matrix_rate).toFixed(0)} %`,
        target: "—",
        met: true,
      },
      {
        figure: `${each.model}: peak memory of the process that fits`,
        ours: inMebibytes(each.peak_memory_bytes),
        reference: "",
        measured: inMebibytes(each.peak_memory_bytes),
        target: "≤ 1.2 GB",
        met: each.peak_memory_bytes <= MOST_MEMORY,
      },
    ];
  });
}
