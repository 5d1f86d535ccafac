import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { symbolMarket } from "../../src/config/index.js";
import { packageRoot, writeFileAtomic } from "../../src/files/index.js";
import { Calendar } from "../../src/market/index.js";
import { prepareConfigSchema, prepareDataset } from "../../src/prepare/index.js";
import { MICROS_PER_MINUTE, seededRandom } from "../../src/types/index.js";
import { benchFolder } from "../lib/dataset.js";
import { type Figure, inSeconds } from "../lib/figure.js";
import { median, seconds } from "../lib/pairs.js";

const SYMBOL = "MES";
const BARS = 100_000;
const STEP = MICROS_PER_MINUTE;
const FIRST_DAY = Date.parse("2023-12-01T00:00Z") / 86_400_000;

/** `prepare` of one-minute bars in the exchange's real hours, with quarterly contracts in the file, joined by their difference. */
export async function marketFigure(runs: number): Promise<Figure> {
  const folder = join(benchFolder(), "market");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const input = join(folder, "MES_1m.csv");
  const contracts = writeBars(input);
  const out = join(folder, "prepared");
  const times: number[] = [];
  let shape = "";
  for (let run = 0; run < runs; run++) {
    rmSync(out, { recursive: true, force: true });
    const config = prepareConfigSchema.parse({ adjust: "difference" });
    times.push(
      await seconds(async () => {
        const summary = await prepareDataset({
          input,
          symbol: SYMBOL,
          config,
          barTime: "close",
          out,
          layouts: ["series", "splits"],
        });
        shape = `${summary.features.count} features, ${summary.labels.horizons.length} horizons`;
      }),
    );
  }
  rmSync(folder, { recursive: true, force: true });
  const taken = median(times);
  return {
    figure: `prepare, ${BARS} one-minute bars with sessions and ${contracts} contracts, ${shape}`,
    ours: inSeconds(taken),
    reference: "",
    measured: inSeconds(taken),
    target: "≤ 15 s",
    met: taken <= 15,
  };
}

/** A random walk in CME's hours; a contract a quarter, each 0.8 % above the last. Returns the number of contracts. */
function writeBars(path: string): number {
  const market = symbolMarket(SYMBOL, packageRoot());
  if (market.sessions === null) throw new Error(`${SYMBOL} has no sessions`);
  const calendar = new Calendar(market.sessions);
  const random = seededRandom(11);
  const lines: string[] = ["timestamp,open,high,low,close,volume,contract"];
  const contracts = new Set<string>();
  let price = 5000;
  for (let day = FIRST_DAY; lines.length <= BARS; day++) {
    const session = calendar.session(day);
    if (session === null) continue;
    const date = new Date(day * 86_400_000);
    const quarter = Math.floor(date.getUTCMonth() / 3) + 4 * date.getUTCFullYear();
    const contract = `${SYMBOL}${"HMUZ"[quarter % 4]}${Math.floor(quarter / 4) % 10}`;
    contracts.add(contract);
    const level = 1.008 ** contracts.size;
    for (let close = session.open + STEP; close <= session.close && lines.length <= BARS; close += STEP) {
      const open = price;
      price *= Math.exp(0.0004 * random.normal());
      const [high, low] = [Math.max(open, price) * 1.0001, Math.min(open, price) * 0.9999];
      const prices = [open, high, low, price].map((value) => (value * level).toFixed(4));
      lines.push([new Date(close / 1000).toISOString(), ...prices, 100 + (lines.length % 50), contract].join(","));
    }
  }
  writeFileAtomic(path, `${lines.join("\n")}\n`);
  return contracts.size;
}
