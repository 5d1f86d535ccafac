import type { OldSpelling } from "../definition.js";
import { neuralIgnored, neuralSpellings } from "../neural.js";

const blocks = "blocks and dilations follow from the window (seq_len)";

export const ignoredKeys: Record<string, string> = {
  ...neuralIgnored,
  "model_params.num_blocks": blocks,
  "model_params.num_layers": blocks,
  "model_params.dilations": blocks,
};

export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.num_channels", to: { key: "model_params.channels" } },
  { key: "model_params.hidden_size", to: { key: "model_params.channels" } },
  ...neuralSpellings,
];
