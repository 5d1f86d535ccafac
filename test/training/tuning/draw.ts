import type { ParamValue, SpaceDimension } from "../../../src/training/tuning/tuner.js";

/** A draw as Optuna makes it: in order, and what its condition rules out is left out. `shares` are in [0, 1]. */
export function draw(dimensions: readonly SpaceDimension[], shares: readonly number[]): Record<string, ParamValue> {
  const params: Record<string, ParamValue> = {};
  for (const [i, dimension] of dimensions.entries()) {
    const { name, when } = dimension;
    if (when !== null && !(when.name in params && when.values.includes(params[when.name]!))) continue;
    const share = shares[i % shares.length]!;
    if (dimension.type === "categorical") {
      const { choices } = dimension;
      params[name] = choices[Math.min(choices.length - 1, Math.floor(share * choices.length))]!;
      continue;
    }
    const { low, high } = dimension;
    const value = dimension.log ? low * (high / low) ** share : low + share * (high - low);
    const within = Math.min(high, Math.max(low, value));
    params[name] =
      dimension.type === "float" ? within : low + Math.floor((within - low) / dimension.step) * dimension.step;
  }
  return params;
}
