import { SHRUNK_LOGISTIC } from "../../models/index.js";
import { FoldwiseError } from "../../types/index.js";
import type { Method } from "./combination.js";
import type { EnsembleSettings } from "./settings.js";

/** The keys of the three ensembles' `model_params` that say how to combine. */
interface Params {
  voting?: "soft" | "hard";
  weights?: "equal" | "fitted" | "greedy" | number[];
  shrinkage?: number;
  greedy_rounds?: number;
  greedy_bags?: number;
  meta_learner?: string;
  strength?: number;
  per_class?: boolean;
}

/** How the configuration says to combine. */
export function methodOf(
  model_params: Record<string, unknown>,
  { meta, secondLayer }: Pick<EnsembleSettings, "meta" | "secondLayer">,
): Method {
  const params: Params = model_params;
  const { weights, voting = "soft", strength = 40, per_class: perClass = false } = params;
  if (weights === undefined) {
    if (secondLayer.length > 0) return { kind: "second_layer", layer: secondLayer, strength, perClass };
    if (meta !== null) return { kind: "model", meta };
    if (params.meta_learner !== SHRUNK_LOGISTIC) throw new Error(`${params.meta_learner} was not resolved`);
    return { kind: "shrunk_logistic", strength, perClass };
  }
  switch (weights) {
    case "equal":
      return { kind: "given", voting, weights: null };
    case "fitted":
      return { kind: "fitted", voting, shrinkage: params.shrinkage ?? 10 };
    case "greedy":
      return { kind: "greedy", voting, rounds: params.greedy_rounds ?? 25, bags: params.greedy_bags ?? 10 };
    default:
      return { kind: "given", voting, weights };
  }
}

/**
 * The method for some of the bases: given weights lose those of the others.
 *
 * @throws FoldwiseError `config.bad_weights` for weights of another number of bases, or where nothing is left above zero.
 */
export function methodFor(method: Method, kept: readonly number[], total: number): Method {
  if (method.kind !== "given" || method.weights === null) return method;
  if (method.weights.length !== total) {
    throw new FoldwiseError(
      "config.bad_weights",
      `model_params.weights has ${method.weights.length} numbers for ${total} bases.`,
      { remedy: "Give one number for each of model_params.bases, in their order." },
    );
  }
  const weights = kept.map((b) => (method.weights as readonly number[])[b]!);
  if (weights.some((weight) => weight > 0)) return { ...method, weights };
  throw new FoldwiseError("config.bad_weights", "The weights of the bases that are left are all zero.", {
    remedy: "Give at least one of the bases that can be fitted a weight above 0.",
  });
}
