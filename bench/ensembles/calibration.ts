import { meanOf } from "../lib/blocks.js";
import { foldwise } from "../lib/cli.js";
import { SYMBOL } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { BARS, HORIZON, preparedMarket, reportOf, SEEDS } from "./market.js";

const MODEL = "lightgbm";
/** All thousand rounds: it knows its training rows by heart, and is as sure of others. */
const OVER_CONFIDENT = ["--set", "training.early_stopping_rounds=null"];

interface Judged {
  ece: number;
  logLoss: number;
  /** Log-loss of the prior. */
  prior: number;
  kind: string;
}

/** Boosting without early stopping, uncalibrated and as `train` calibrates it by default: both judged on the same test rows. */
export async function calibrationFigures(): Promise<Figure[]> {
  const runs: { before: Judged; after: Judged }[] = [];
  for (const seed of SEEDS) {
    const cwd = await preparedMarket("calibration", seed);
    const judged = async (run: string, ...more: string[]): Promise<Judged> => {
      const asked = ["--model", MODEL, "--symbol", SYMBOL, "--horizon", String(HORIZON), "--seed", String(seed)];
      await foldwise(["train", ...asked, ...OVER_CONFIDENT, "--run-id", run, ...more], cwd);
      const { test, calibration } = reportOf(cwd, run, MODEL);
      if (test === null) throw new Error("the test part stayed closed");
      const { ece, log_loss } = test.metrics;
      return { ece, logLoss: log_loss, prior: test.prior.metrics.log_loss, kind: calibration?.kind ?? "none" };
    };
    const pair = { before: await judged("raw", "--calibration", "none"), after: await judged("calibrated") };
    console.error(
      `  seed ${seed}: ece ${pair.before.ece.toFixed(4)} → ${pair.after.ece.toFixed(4)} (${pair.after.kind})`,
    );
    runs.push(pair);
  }
  const mean = (of: (run: (typeof runs)[number]) => number): number => meanOf(runs.map(of));
  const [before, after] = [mean((run) => run.before.ece), mean((run) => run.after.ece)];
  const ratios = runs.map((run) => run.after.ece / run.before.ece);
  const kinds = [...new Set(runs.map((run) => run.after.kind))].join(", ");
  const [rawLoss, loss, prior] = [
    mean((run) => run.before.logLoss),
    mean((run) => run.after.logLoss),
    mean((run) => run.after.prior),
  ];
  const of = `${MODEL} without early stopping, ${BARS} bars, ${SEEDS.length} seeds`;
  return [
    {
      figure: `ECE on test rows: ${of}`,
      ours: `${after.toFixed(4)} calibrated (${kinds})`,
      reference: `${before.toFixed(4)} as fitted`,
      measured: `ratio ${(after / before).toFixed(3)}, seeds ${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}`,
      target: "≤ 0.5",
      met: after <= 0.5 * before,
    },
    {
      figure: "log-loss on the same rows",
      ours: `${loss.toFixed(4)} calibrated`,
      reference: `${rawLoss.toFixed(4)} as fitted, ${prior.toFixed(4)} the prior`,
      measured: `${(loss - prior).toFixed(4)} from the prior's`.replace("-", "−"),
      target: "—",
      met: true,
    },
  ];
}
