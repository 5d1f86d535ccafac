import fc from "fast-check";
import { expect, it } from "vitest";
import { digestOf, requireSame, type StudyIdentity } from "../../../src/training/tuning/identity.js";
import { thrown } from "../../config/support.js";

const own: StudyIdentity = {
  model: "lightgbm",
  symbol: "MES",
  horizon: 20,
  metric: "logloss",
  dataset: "f".repeat(64),
  space: "s",
  folds: "k",
  settings: "t",
  seeds: "7",
  reports: "r",
};
const KEYS = Object.keys(own) as (keyof StudyIdentity)[];

it("a study of the same identity is taken, whatever else it carries", () => {
  requireSame({ ...own, optuna: "4.5.0" }, own, "s.db");
});

it("a study is refused for exactly what differs, and told how to begin another", () => {
  fc.assert(
    fc.property(fc.subarray(KEYS, { minLength: 1 }), fc.boolean(), (changed, missing) => {
      const found = Object.fromEntries(
        KEYS.flatMap((key) => (changed.includes(key) ? (missing ? [] : [[key, "other"]]) : [[key, own[key]]])),
      );
      const { code, message, remedy, details } = thrown(() => requireSame(found, own, "studies/x.db"));
      expect(code).toBe("usage.other_study");
      expect(message).toMatch(/^The study in studies\/x\.db was made for (another|other) /);
      expect(remedy).toMatch(/--new.*--studies DIR/);
      expect(details?.differs).toEqual(KEYS.filter((key) => changed.includes(key)));
    }),
  );
  expect(thrown(() => requireSame({ ...own, metric: "mcc", space: "u" }, own, "s.db")).message).toBe(
    "The study in s.db was made for another metric and another search space.",
  );
});

it("a digest is short, of the content alone, and another for other content or another order", () => {
  expect(digestOf({ a: [1, "x"] })).toMatch(/^[0-9a-f]{16}$/);
  expect(digestOf({ a: [1, "x"] })).toBe(digestOf({ a: [1, "x"] }));
  expect(new Set([[1, 2], [2, 1], [1, "2"], [12]].map(digestOf)).size).toBe(4);
});
