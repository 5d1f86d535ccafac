/** The built-in models, and those whose engine is left out (`FOLDWISE_ENGINES=tabular`): their tests count as skipped. */
import { it } from "vitest";
import { installedEngines } from "../../src/engine/index.js";
import { BUILTIN, missingPackages } from "../../src/models/index.js";

const { versions } = await installedEngines();
const has = (installed: boolean): string[] =>
  BUILTIN.filter((model) => (missingPackages(model, versions).length === 0) === installed).map(({ id }) => id);

/** Those that can be fitted here. */
export const MODELS: readonly string[] = has(true);
const LEFT_OUT = has(false);

/** A test for each model; `name` has a %s for `subject` of the model's id, which is what `test` is given. */
export function eachModel(name: string, subject: (id: string) => string, test: (subject: string) => unknown): void {
  it.each(MODELS.map(subject))(name, async (of) => {
    await test(of);
  });
  // Skipped, and counted, because torch is not installed.
  it.skip.each(LEFT_OUT.map(subject))(name, () => {});
}

/** Flags for sizes with which a sequence model is fitted and answers in a moment. */
export const SMALL_NETWORKS: readonly string[] = [
  ...["lstm", "gru"].flatMap((id) => [`${id}.model_params.hidden_size=16`, `${id}.model_params.num_layers=1`]),
  "tcn.model_params.channels=8",
  ...["d_model=16", "nhead=2", "num_layers=1", "dim_feedforward=16"].map((set) => `transformer.model_params.${set}`),
].flatMap((setting) => ["--set", `models.${setting}`]);

/** For tests that fit one of them. */
export const lacks = (id: string): boolean => LEFT_OUT.includes(id);
