import { BUILTIN } from "../../src/models/index.js";
import { watchedFoldwise } from "../lib/cli.js";
import { SYMBOL } from "../lib/dataset.js";
import { type Figure, inMebibytes } from "../lib/figure.js";
import { latencyFigure } from "./latency.js";
import { BARS, HORIZON, preparedMarket, reportOf } from "./market.js";

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
    stageFigure(cwd),
    await latencyFigure(cwd),
  ];
}

const MOST_STAGE_SECONDS = 10;

/** What each ensemble took beside its bases' fits and answers, from learning to combine to its report. */
function stageFigure(cwd: string): Figure {
  const stages = BUILTIN.filter(({ kind }) => kind === "ensemble").map(({ id }) => {
    const { fit = 0, combine = 0, ...others } = reportOf(cwd, "all", id).seconds;
    return { id, seconds: combine + Object.values(others).reduce((sum, each) => sum + each, 0), fit };
  });
  const longest = Math.max(...stages.map(({ seconds }) => seconds));
  return {
    figure:
      "ensemble stage, bases and out-of-fold answers given: combination, calibration, bundle, answers, importance, report",
    ours: stages.map(({ id, seconds }) => `${id} ${seconds.toFixed(1)} s`).join(", "),
    reference: "",
    measured: `${longest.toFixed(1)} s the longest`,
    target: `≤ ${MOST_STAGE_SECONDS} s`,
    met: longest <= MOST_STAGE_SECONDS,
  };
}
