import type { ModelDefinition } from "../models/index.js";
import type { Layer } from "./layers.js";
import { isTree, type Path, type Tree, valueAt } from "./tree.js";

/**
 * What a training-file layer says of a model through its family: `training.boosting.num_boost_round` stands for
 * `training.num_boost_round` of every boosting model that has the key, `training.neural.default_seq_lens.lstm` for lstm's
 * `training.seq_len`. Null where it says nothing.
 */
export function familyLayer(definition: ModelDefinition, layer: Layer): Layer | null {
  const origin = new Map<string, Path>();
  const values: Tree = {};
  const family = valueAt(layer.values, ["training", definition.family]);
  for (const [key, value] of Object.entries(isTree(family) ? family : {})) {
    if (!(key in definition.training.shape)) continue;
    values[key] = value;
    origin.set(key, ["training", definition.family, key]);
  }
  const seqLens: Path = ["training", "neural", "default_seq_lens", definition.id];
  const seqLen = valueAt(layer.values, seqLens);
  if (seqLen !== undefined && "seq_len" in definition.training.shape) {
    values.seq_len = seqLen;
    origin.set("seq_len", seqLens);
  }
  if (origin.size === 0) return null;
  const from: Layer["from"] = ([, key], of) => layer.from(origin.get(String(key)) ?? ["training"], of);
  return { layer: layer.layer, values: { training: values }, from };
}
