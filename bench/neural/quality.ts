import type { Figure } from "../lib/figure.js";
import { measureInPython } from "./python.js";

/** Dense against windowed training over five seeds, on made-up rows whose label depends on the last 20 bars. */
export async function qualityFigures({ small }: { small: boolean }): Promise<Figure[]> {
  const { quality } = await measureInPython(["--parts", "quality", ...(small ? ["--small", "--seeds", "2"] : [])]);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return (quality ?? []).map((each) => ({
    figure: `${each.model}: log-loss on unseen rows, ${each.dense.length} seeds`,
    ours: `${mean(each.dense).toFixed(4)} dense, ${each.seconds_dense.toFixed(1)} s a fit`,
    reference: `${mean(each.windowed).toFixed(4)} windowed, ${each.seconds_windowed.toFixed(1)} s a fit`,
    measured: `difference ${signed(each.difference)} ± ${each.standard_error.toFixed(4)}`,
    target: "≤ one standard error",
    met: each.difference <= each.standard_error,
  }));
}

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
