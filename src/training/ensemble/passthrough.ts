import { type FeatureView, FoldwiseError } from "../../types/index.js";
import type { Evidence } from "./combination.js";

/** Features that a meta-learner sees beside the bases' answers. */
export function passthroughNames({ passthrough }: Record<string, unknown>): readonly string[] {
  return Array.isArray(passthrough) ? (passthrough as string[]) : [];
}

/** Throws `config.passthrough` for a name that is no feature. */
export function passthroughColumns(names: readonly string[], features: readonly string[]): number[] {
  return names.map((name) => {
    const at = features.indexOf(name);
    if (at >= 0) return at;
    throw new FoldwiseError("config.passthrough", `model_params.passthrough names ${name}, which is no feature.`, {
      remedy: "Name features of the dataset.",
      details: { got: name },
    });
  });
}

/** Their values at the rows of a view; null for none. */
export async function passthroughOf(names: readonly string[], X: FeatureView): Promise<Evidence["passthrough"]> {
  if (names.length === 0) return null;
  const columns = passthroughColumns(names, X.featureNames);
  const width = X.featureNames.length;
  const values = await X.read();
  const passed = new Float32Array(X.rows.length * names.length);
  for (let i = 0; i < X.rows.length; i++)
    for (const [c, column] of columns.entries()) passed[i * names.length + c] = values[i * width + column]!;
  return { names, X: passed };
}
