import { BUILTIN } from "../../src/models/index.js";
import { watchedFoldwise } from "../lib/cli.js";
import { SYMBOL } from "../lib/dataset.js";
import { type Figure, inMebibytes } from "../lib/figure.js";
import { BARS, HORIZON, preparedMarket } from "./market.js";

const MOST_MINUTES = 10;
const MOST_GIB = 4;

/** `foldwise train --model all`, every registered model in one command: time by the clock, and memory of all its processes. */
export async function wholeFigures(): Promise<Figure[]> {
  const cwd = await preparedMarket("whole", 7);
  const asked = ["--model", "all", "--symbol", SYMBOL, "--horizon", String(HORIZON), "--run-id", "all"];
  const { seconds, peakBytes } = await watchedFoldwise(["train", ...asked], cwd);
  const what = `all ${BUILTIN.length} models on ${BARS} bars in one \`foldwise train\``;
  return [
    {
      figure: `${what}, prepared rows to bundles and reports`,
      ours: `${seconds.toFixed(0)} s`,
      reference: "",
      measured: `${(seconds / 60).toFixed(1)} min`,
      target: `≤ ${MOST_MINUTES} min`,
      met: seconds <= 60 * MOST_MINUTES,
    },
    {
      figure: `${what}, peak memory of all its processes`,
      ours: inMebibytes(peakBytes),
      reference: "",
      measured: `${(peakBytes / 2 ** 30).toFixed(2)} GiB`,
      target: `≤ ${MOST_GIB} GB`,
      met: peakBytes <= MOST_GIB * 1e9,
    },
  ];
}
