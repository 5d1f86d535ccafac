/**
 * A model with an engine of its own: extremely randomised trees of scikit-learn. The definition is what Foldwise needs
 * to know; `extra_trees.py` beside it fits, predicts and exports. Try it:
 *
 *   foldwise train --plugin examples/plugins/extra_trees/extra_trees.js --model extra_trees --symbol MES --horizon 20
 */
export default ({ z }) => ({
  kind: "engine",
  id: "extra_trees",
  family: "classical",
  title: "Extremely randomised trees (plug-in)",
  engine: { packages: ["scikit-learn", "skl2onnx", "skops"] },
  adapter: "extra_trees.py",
  capabilities: {
    input: "tabular",
    earlyStopping: false,
    missingValues: "impute",
    importance: "gain",
    devices: ["cpu"],
    scaler: false,
  },
  params: z.strictObject({
    n_estimators: z.int().min(1).max(10_000).default(100).describe("Trees."),
    max_depth: z.int().min(1).max(64).default(8).describe("Deepest tree."),
    min_samples_leaf: z.int().min(1).default(20).describe("Fewest rows in a leaf."),
    max_features: z.number().gt(0).max(1).default(0.5).describe("Share of features tried for a split."),
  }),
  training: z.strictObject({
    class_weight: z
      .enum(["none", "balanced"])
      .default("none")
      .describe("balanced: every class weighs the same in the fit; undone in the probabilities."),
  }),
  searchSpace: {
    "model_params.max_depth": { type: "int", low: 3, high: 16 },
    "model_params.min_samples_leaf": { type: "int", low: 10, high: 500, log: true },
    "model_params.max_features": { type: "float", low: 0.05, high: 1 },
  },
});
