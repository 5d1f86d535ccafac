/** What a study draws from, and what a trial's parameters make of a model's settings. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolveModelConfig, resolveTrainingConfig } from "../../../src/config/index.js";
import { BUILTIN, type ModelDefinition, ModelRegistry } from "../../../src/models/index.js";
import { checkSections, spaceOf, valueAt, withParams } from "../../../src/training/tuning/space.js";
import type { ParamValue, SpaceDimension } from "../../../src/training/tuning/tuner.js";
import { thrown, workingFolder } from "../../config/support.js";
import { draw } from "./draw.js";

/** The model's settings with a file of its own in the working folder. */
function resolved(id: string, yaml = "") {
  const cwd = workingFolder(yaml === "" ? {} : { [`config/models/${id}.yaml`]: yaml });
  const definition = ModelRegistry.getModel(id);
  return { definition, settings: resolveModelConfig(definition, { training: resolveTrainingConfig({ cwd }) }) };
}
function spaceFor(id: string, yaml = "") {
  const { definition, settings } = resolved(id, yaml);
  return spaceOf(definition, settings);
}

const holds = (dimension: SpaceDimension, value: ParamValue): boolean => {
  if (dimension.type === "categorical") return dimension.choices.includes(value);
  if (typeof value !== "number" || value < dimension.low || value > dimension.high) return false;
  return dimension.type === "float" || (value - dimension.low) % dimension.step === 0;
};

describe.each(BUILTIN.map(({ id }) => id))("the space of %s", (id) => {
  it("has conditions behind what they name, and its defaults as points of itself", () => {
    const { definition, settings } = resolved(id);
    const { dimensions, defaults, outside } = spaceOf(definition, settings);
    const names = dimensions.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [i, { when }] of dimensions.entries()) {
      if (when !== null) expect(names.slice(0, i)).toContain(when.name);
    }
    for (const dimension of dimensions) {
      const { name, when } = dimension;
      const drawn = when === null || (when.name in defaults && when.values.includes(defaults[when.name]!));
      expect(name in defaults, name).toBe(drawn);
      if (!drawn) continue;
      expect(holds(dimension, defaults[name]!), name).toBe(true);
      expect(outside.includes(name), name).toBe(defaults[name] !== valueAt(settings, name));
    }
  });

  it("gives settings that the model takes, whatever is drawn", () => {
    const { definition, settings } = resolved(id);
    const { dimensions } = spaceOf(definition, settings);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 14, maxLength: 14 }), (shares) => {
        const params = draw(dimensions, shares);
        const sections = withParams(settings, params);
        checkSections(definition, sections);
        for (const [key, value] of Object.entries(params)) expect(valueAt(sections, key)).toBe(value);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a default outside of its range", () => {
  it("becomes the nearest point of the space, and is named", () => {
    const { defaults, outside } = spaceFor(
      "lightgbm",
      "model_params: {learning_rate: 0.5, max_depth: 12, num_leaves: 2, lambda_l1: 0}\n",
    );
    expect(defaults).toMatchObject({
      "model_params.learning_rate": 0.2,
      "model_params.max_depth": 8,
      "model_params.num_leaves": 4,
      "model_params.lambda_l1": 1e-3,
    });
    expect([...outside].sort()).toEqual([
      "model_params.lambda_l1",
      "model_params.learning_rate",
      "model_params.max_depth",
      "model_params.num_leaves",
    ]);
  });

  it("is put on the steps of an int, and not beyond the last of them", () => {
    const stepped = (value: number, low: number, high: number, step: number): ParamValue | undefined =>
      spaceFor(
        "lightgbm",
        `model_params: {max_bin: ${value}}\nsearch_space: {model_params.max_bin: {type: int, low: ${low}, high: ${high}, step: ${step}}}\n`,
      ).defaults["model_params.max_bin"];
    expect([stepped(34, 31, 255, 32), stepped(60, 31, 255, 32), stepped(20, 31, 255, 32)]).toEqual([31, 63, 31]);
    // 10, 14, 18: 22 would be above the range.
    expect([stepped(20, 10, 20, 4), stepped(400, 10, 21, 4)]).toEqual([18, 18]);
  });

  it("of a category that is no choice becomes the first one", () => {
    const space = spaceFor(
      "svm",
      "training: {class_weight: balanced}\nsearch_space: {training.class_weight: {type: categorical, choices: [none]}}\n",
    );
    expect(space.defaults["training.class_weight"]).toBe("none");
    expect(space.outside).toContain("training.class_weight");
  });
});

describe("a condition", () => {
  const yaml = (solver: string) =>
    `model_params: {solver: ${solver}}\nsearch_space: {model_params.solver: {type: categorical, choices: [lbfgs, saga]}}\n`;

  it("on a dimension decides whether the default has a value there", () => {
    expect(spaceFor("logistic", yaml("lbfgs")).defaults).not.toHaveProperty(["model_params.l1_ratio"]);
    expect(spaceFor("logistic", yaml("saga")).defaults).toMatchObject({
      "model_params.solver": "saga",
      "model_params.l1_ratio": 0,
    });
  });

  it("on a key that is no dimension is settled by the configured value", () => {
    const names = (yaml?: string): string[] => spaceFor("logistic", yaml).dimensions.map(({ name }) => name);
    expect(names()).not.toContain("model_params.l1_ratio");
    const { dimensions } = spaceFor("logistic", "model_params: {solver: saga}\n");
    expect(dimensions.find(({ name }) => name === "model_params.l1_ratio")?.when).toBeNull();
  });
});

it("a space from which everything is left out is refused, and it is said where to name dimensions", () => {
  const refused = thrown(() => spaceFor("svm", 'search_space: {"*": null}\n'));
  expect(refused.code).toBe("config.empty_space");
  expect(refused.message).toBe("There is nothing to search for svm.");
  expect(refused.remedy).toMatch(/config\/models\/svm\.yaml.*foldwise models --space svm/);
});

describe("the settings of a trial", () => {
  it("leave those without tuning as they were", () => {
    const { settings } = resolved("logistic");
    const before = structuredClone([settings.model_params, settings.training]);
    const sections = withParams(settings, { "model_params.C": 5, "training.class_weight": "balanced" });
    expect(sections).toEqual({
      model_params: { ...settings.model_params, C: 5 },
      training: { ...settings.training, class_weight: "balanced" },
    });
    expect([settings.model_params, settings.training]).toEqual(before);
    expect(withParams(settings, {})).toEqual({ model_params: settings.model_params, training: settings.training });
  });

  it("are refused where two values do not go together", () => {
    const { definition, settings } = resolved("logistic");
    const refusal = (model: ModelDefinition, params: Record<string, ParamValue>) =>
      thrown(() => checkSections(model, withParams(settings, params)));
    const { code, message, remedy } = refusal(definition, { "model_params.l1_ratio": 0.5 });
    expect(code).toBe("config.bad_value");
    expect(message).toBe("model_params.solver: must be saga where l1_ratio is above 0");
    expect(remedy).toMatch(/search space/);
    checkSections(definition, withParams(settings, { "model_params.l1_ratio": 0.5, "model_params.solver": "saga" }));
    expect(refusal(definition, { "model_params.C": -1 }).message).toMatch(/^model_params\.C: /);
  });

  it("are refused for a key of no section", () => {
    expect(() => withParams(resolved("logistic").settings, { "labels.k": 1 })).toThrow(
      /labels\.k is no key of a model/,
    );
  });
});
