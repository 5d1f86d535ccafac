import type { OldSpelling } from "../definition.js";
import { neuralIgnored, neuralSpellings } from "../neural.js";

export const ignoredKeys: Record<string, string> = {
  ...neuralIgnored,
  "model_params.max_len": "positions are relative: any length has them",
};

export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.num_heads", to: { key: "model_params.nhead" } },
  { key: "model_params.n_heads", to: { key: "model_params.nhead" } },
  { key: "model_params.hidden_size", to: { key: "model_params.d_model" } },
  ...neuralSpellings,
];
