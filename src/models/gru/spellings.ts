import type { OldSpelling } from "../definition.js";
import { neuralIgnored, neuralSpellings } from "../neural.js";

export const ignoredKeys: Record<string, string> = {
  ...neuralIgnored,
  "model_params.batch_first": "the layout is fixed",
  "model_params.bidirectional": "a model that looks ahead would leak",
};

export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.hidden_dim", to: { key: "model_params.hidden_size" } },
  { key: "model_params.n_layers", to: { key: "model_params.num_layers" } },
  ...neuralSpellings,
];
