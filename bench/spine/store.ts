import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openStored } from "../../src/data/index.js";
import { benchFolder, ensureDataset, SYMBOL } from "../lib/dataset.js";
import { ALLOWED_SECONDS, type Figure, inSeconds } from "../lib/figure.js";
import { interleavedPairs, median, seconds } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";

/** Parquet → a store that did not have it, against reading the file alone with pyarrow; and opening it again. */
export async function storeFigures(pairs: number): Promise<Figure[]> {
  const { folder, path } = await ensureDataset();
  const store = join(benchFolder(), "store");
  const open = () => openStored({ symbol: SYMBOL, data: join(folder, "datasets"), store });
  const reference = await Reference.start("read_parquet.py");
  const read = async () => (await reference.run({ path, threads: availableParallelism() })).seconds;
  const again: number[] = [];
  try {
    await read();
    const times = await interleavedPairs(
      pairs,
      async () => {
        rmSync(store, { recursive: true, force: true });
        const taken = await seconds(open);
        again.push(await seconds(open));
        return taken;
      },
      read,
    );
    const [ours, alone, second] = [median(times.ours), median(times.reference), median(again)];
    return [
      {
        figure: "Parquet 104 000 × 180 → store",
        ours: inSeconds(ours),
        reference: `${inSeconds(alone)} pyarrow, reading alone`,
        measured: `${(ours / alone).toFixed(2)} ×`,
        target: "≤ 4 ×",
        met: ours <= 4 * alone + ALLOWED_SECONDS,
      },
      {
        figure: "second open",
        ours: inSeconds(second),
        reference: "",
        measured: inSeconds(second),
        target: "≤ 0.05 s",
        met: second <= 0.05,
      },
    ];
  } finally {
    await reference.close();
    rmSync(store, { recursive: true, force: true });
  }
}
