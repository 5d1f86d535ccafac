import { describe, expect, it } from "vitest";
import {
  BUILTIN,
  drawnDimensions,
  isWithin,
  ModelRegistry,
  type SearchDimension,
  spaceProblems,
} from "../../src/models/index.js";
import { seededRandom } from "../../src/types/index.js";

const xgboost = ModelRegistry.getModel("xgboost");
const voting = ModelRegistry.getModel("voting");
type Space = Record<string, SearchDimension>;

/** A value of the dimension, anywhere in it. */
function draw(dimension: SearchDimension, random: ReturnType<typeof seededRandom>): unknown {
  if (dimension.type === "categorical") return dimension.choices[random.int(dimension.choices.length)];
  const { low, high, log } = dimension;
  const value = log === true ? low * (high / low) ** random.next() : low + (high - low) * random.next();
  return dimension.type === "int" ? Math.round(value) : value;
}

describe("a search space is refused for", () => {
  it.each<[string, Space, string]>([
    ["low above high", { "model_params.gamma": { type: "float", low: 5, high: 1 } }, "has low 5 above high 1"],
    [
      "a log scale from zero",
      { "model_params.gamma": { type: "float", low: 0, high: 1, log: true } },
      "has a log scale from 0; low must be above 0",
    ],
    [
      "an int from a fraction",
      { "model_params.max_depth": { type: "int", low: 1.5, high: 4 } },
      "is an int and has low 1.5, which is no whole number",
    ],
    [
      "a step below 1",
      { "model_params.max_depth": { type: "int", low: 1, high: 4, step: 0 } },
      "has step 0; it must be a whole number of 1 or more",
    ],
    [
      "a step beside a log scale",
      { "model_params.max_depth": { type: "int", low: 1, high: 4, step: 2, log: true } },
      "has step 2 beside a log scale, which has no steps",
    ],
    ["no choices", { "model_params.gamma": { type: "categorical", choices: [] } }, "has no choices"],
    [
      "a choice that stands twice",
      { "model_params.gamma": { type: "categorical", choices: [0, 1, 0] } },
      "has the choice 0 twice",
    ],
    [
      "a bound that the model does not take",
      { "model_params.subsample": { type: "float", low: 0.5, high: 1.5 } },
      "has high 1.5, which the model does not take",
    ],
    [
      "a choice that the model does not take",
      { "model_params.grow_policy": { type: "categorical", choices: ["depthwise", "deep"] } },
      "has choices deep, which the model does not take",
    ],
    [
      "fractions for a key of whole numbers",
      { "model_params.max_depth": { type: "float", low: 2, high: 8 } },
      "is a float, but the model takes no value such as 4.21; use int",
    ],
    [
      "a key that is not there",
      { "model_params.depth": { type: "int", low: 1, high: 2 } },
      "is not a key of the model",
    ],
    ["a key of no section", { "presets.max_depth": { type: "int", low: 1, high: 2 } }, "is not a key of the model"],
    [
      "a condition on a key that is not there",
      { "model_params.gamma": { type: "float", low: 0, high: 1, when: { key: "model_params.boost", in: [1] } } },
      "has a condition on model_params.boost, which is not a key of the model",
    ],
    [
      "a condition on itself",
      { "model_params.gamma": { type: "float", low: 0, high: 1, when: { key: "model_params.gamma", in: [1] } } },
      "has a condition on itself",
    ],
    [
      "a condition that nothing meets",
      { "model_params.gamma": { type: "float", low: 0, high: 1, when: { key: "model_params.max_depth", in: [] } } },
      "has a condition that no value meets: in is empty",
    ],
    [
      "a condition on a value that cannot be",
      { "model_params.gamma": { type: "float", low: 0, high: 1, when: { key: "model_params.max_depth", in: [-1] } } },
      "has when.in -1, which model_params.max_depth does not take",
    ],
  ])("%s", (_, space, text) => {
    expect(spaceProblems(xgboost, space).map((problem) => problem.text)).toEqual([text]);
    expect(() => new ModelRegistry([{ ...xgboost, searchSpace: space }])).toThrow(
      `searchSpace: ${Object.keys(space)[0]} ${text}`,
    );
  });

  it("conditions in a circle, of each that stands in it and of no other", () => {
    const on = (key: string): SearchDimension => ({ type: "float", low: 0.5, high: 1, when: { key, in: [1] } });
    const found = spaceProblems(xgboost, {
      "model_params.subsample": on("model_params.colsample_bytree"),
      "model_params.colsample_bytree": on("model_params.colsample_bylevel"),
      "model_params.colsample_bylevel": on("model_params.subsample"),
      "model_params.colsample_bynode": on("model_params.subsample"),
    });
    expect(found.map(({ key }) => key.slice(13))).toEqual(["subsample", "colsample_bytree", "colsample_bylevel"]);
    expect(found[0]!.text).toBe(
      "stands in a circle of conditions: model_params.subsample → model_params.colsample_bytree → model_params.colsample_bylevel → model_params.subsample",
    );
  });
});

describe("what is drawn", () => {
  const space: Space = {
    "model_params.shrinkage": { type: "float", low: 1, high: 2, when: { key: "model_params.weights", in: ["fitted"] } },
    "model_params.weights": {
      type: "categorical",
      choices: ["equal", "fitted"],
      when: { key: "model_params.voting", in: ["soft"] },
    },
    "model_params.greedy_bags": { type: "int", low: 1, high: 3 },
  };
  const drawn = (of: Space, model_params: Record<string, unknown>) =>
    drawnDimensions(of, { model_params, training: {} }).map(({ key, when }) => [key.slice(13), when?.key ?? null]);

  it("stands after what its condition names", () => {
    expect(drawn(space, { voting: "soft" })).toEqual([
      ["weights", null],
      ["shrinkage", "model_params.weights"],
      ["greedy_bags", null],
    ]);
  });

  it("is not what a configured value rules out, nor what hangs on that", () => {
    expect(drawn(space, { voting: "hard", weights: "fitted" })).toEqual([["greedy_bags", null]]);
  });

  it("is not what a list is configured for, which no choice can say, nor what hangs on that", () => {
    expect(drawn(space, { voting: "soft", weights: [0.5, 0.5] })).toEqual([["greedy_bags", null]]);
  });

  it("hangs on the configured value where the condition's key is no dimension", () => {
    const { "model_params.weights": _, ...rest } = space;
    expect(drawn(rest, { weights: "fitted" })).toEqual([
      ["shrinkage", null],
      ["greedy_bags", null],
    ]);
    expect(drawn(rest, { weights: [0.5, 0.5] })).toEqual([["greedy_bags", null]]);
  });
});

describe("the shipped spaces", () => {
  /** Defaults that no dimension can hold; search.ts says of each why. */
  const OUTSIDE = [
    "xgboost model_params.reg_alpha",
    "xgboost model_params.max_leaves",
    "lightgbm model_params.lambda_l1",
    "catboost model_params.bagging_temperature",
    "random_forest model_params.max_samples",
    "svm model_params.gamma",
  ];

  it("hold each default that a range can hold", () => {
    const outside = BUILTIN.flatMap((definition) => {
      const defaults = {
        model_params: definition.params.parse({}),
        training: definition.training.parse({}),
      } as Record<string, Record<string, unknown>>;
      return Object.entries(definition.searchSpace).flatMap(([key, dimension]) => {
        const [section = "", name = ""] = key.split(".");
        return isWithin(dimension, defaults[section]![name]) ? [] : [`${definition.id} ${key}`];
      });
    });
    expect(outside).toEqual(OUTSIDE);
  });

  it.each(BUILTIN)("$id: whatever is drawn is a configuration that the model takes", (definition) => {
    const random = seededRandom(9);
    for (const preset of Object.values(definition.presets)) {
      const base = {
        model_params: definition.params.parse(preset.model_params),
        training: definition.training.parse(preset.training),
      };
      const dimensions = drawnDimensions(definition.searchSpace, base);
      expect(dimensions.length).toBeGreaterThan(0);
      for (let trial = 0; trial < 200; trial += 1) {
        const values: Record<string, Record<string, unknown>> = structuredClone(base);
        const given = new Map<string, unknown>();
        for (const { key, dimension, when } of dimensions) {
          if (when !== null && !when.in.some((wanted) => wanted === given.get(when.key))) continue;
          const [section = "", name = ""] = key.split(".");
          const value = draw(dimension, random);
          expect(isWithin(dimension, value)).toBe(true);
          values[section]![name] = value;
          given.set(key, value);
        }
        definition.params.parse(values.model_params);
        definition.training.parse(values.training);
        if (definition.id === "transformer") {
          const { d_model, nhead } = values.model_params as { d_model: number; nhead: number };
          expect(d_model % nhead).toBe(0);
        }
      }
    }
  });

  it("of voting draws how the weights are found, and their strength only where it counts", () => {
    const settings = { model_params: voting.params.parse({}), training: {} };
    expect(drawnDimensions(voting.searchSpace, settings).map(({ key, when }) => [key.slice(13), when?.in])).toEqual([
      ["voting", undefined],
      ["weights", undefined],
      ["shrinkage", ["fitted"]],
      ["greedy_rounds", ["greedy"]],
    ]);
  });
});

describe("whether a dimension holds a value", () => {
  it.each<[SearchDimension, unknown, boolean]>([
    [{ type: "float", low: 0, high: 1 }, 1, true],
    [{ type: "float", low: 0, high: 1 }, 1.1, false],
    [{ type: "float", low: 0, high: 1 }, null, false],
    [{ type: "int", low: 2, high: 8, step: 3 }, 5, true],
    [{ type: "int", low: 2, high: 8, step: 3 }, 6, false],
    [{ type: "int", low: 2, high: 8 }, 2.5, false],
    [{ type: "categorical", choices: ["a", null] }, null, true],
    [{ type: "categorical", choices: ["a", null] }, "b", false],
  ])("%j holds %j: %j", (dimension, value, expected) => {
    expect(isWithin(dimension, value)).toBe(expected);
  });
});
