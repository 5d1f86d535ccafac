import { describe, expect, it } from "vitest";
import { BUILTIN, ModelRegistry, requireAvailable } from "../../src/models/index.js";
import { FoldwiseError } from "../../src/types/index.js";

function thrown(action: () => unknown): FoldwiseError {
  try {
    action();
  } catch (error) {
    if (error instanceof FoldwiseError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const xgboost = BUILTIN[0]!;

describe("the model registry", () => {
  it("begins with the built-in models, in their order", () => {
    expect(ModelRegistry.listAll().map(({ id }) => id)).toEqual(BUILTIN.map(({ id }) => id));
    expect(ModelRegistry.getFamily("xgboost")).toBe("boosting");
    expect(ModelRegistry.getModel("logistic").capabilities.scaler).toBe(true);
  });

  it("refuses a name that is taken", () => {
    const error = thrown(() => new ModelRegistry(BUILTIN).register(xgboost));
    expect(error.code).toBe("model.duplicate");
    expect(error.message).toBe('A model named "xgboost" is already registered.');
  });

  it("names the nearest and all valid names for one that is unknown", () => {
    const error = thrown(() => ModelRegistry.getModel("xgbost"));
    expect(error.code).toBe("model.unknown");
    expect(error.message).toBe('There is no model named "xgbost"; did you mean "xgboost"?');
    expect(error.remedy).toBe(
      "Use one of: xgboost, lightgbm, catboost, lstm, gru, tcn, transformer, random_forest, logistic, svm, voting, stacking, blending.",
    );
    expect(error.exitCode).toBe(2);
  });

  it("suggests nothing when nothing is near", () => {
    expect(thrown(() => ModelRegistry.getModel("prophet")).message).toBe('There is no model named "prophet".');
    expect(thrown(() => ModelRegistry.getModel("")).message).toBe('There is no model named "".');
  });

  it("holds instances apart from the process's registry", () => {
    const own = new ModelRegistry();
    own.register({ ...xgboost, id: "mine" });
    expect(own.listAll()).toHaveLength(1);
    expect(() => ModelRegistry.getModel("mine")).toThrow(FoldwiseError);
  });

  it.each([
    ["an id that may not reach a path", { id: "../x" }, 'id must be lower-case letters, digits and "_", and not "all"'],
    ["the id that means every model", { id: "all" }, 'id must be lower-case letters, digits and "_", and not "all"'],
    [
      "a preset that its schema refuses",
      { presets: { market: { model_params: { max_depth: -1 }, training: {} }, reference: xgboost.presets.reference } },
      "presets.market.model_params.max_depth: Too small: expected number to be >=0",
    ],
    [
      "a search space over a key that is not there",
      { searchSpace: { "model_params.depth": { type: "int", low: 1, high: 2 } } },
      "searchSpace: model_params.depth is not a key of the model",
    ],
    [
      "an ignored key that is a real one",
      { ignoredKeys: { "model_params.max_depth": "?" } },
      "ignoredKeys: model_params.max_depth is a key of the model, so it cannot be ignored",
    ],
  ] as const)("refuses %s", (_, change, problem) => {
    const error = thrown(() => new ModelRegistry([{ ...xgboost, ...change } as typeof xgboost]));
    expect(error.code).toBe("model.bad_definition");
    expect(error.message).toContain(problem);
  });

  it("says what installs an engine that is missing", () => {
    requireAvailable(xgboost, { xgboost: "3.2.0" });
    const error = thrown(() => requireAvailable(xgboost, { "scikit-learn": "1.9.1" }));
    expect(error.code).toBe("model.unavailable");
    expect(error.message).toContain("xgboost is not installed");
    expect(error.remedy).toBe("Run `foldwise doctor --install`.");
  });
});
