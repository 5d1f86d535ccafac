import { describe, expect, it } from "vitest";
import { checkFeature, defineFeature, planFeatures } from "../../src/features/index.js";
import type { Bar } from "../../src/types/index.js";
import { MINUTE, market } from "./bars.js";

const bars = market({ seed: 3, bars: 600, flat: 0.3, idle: 0.3, tick: 0.01 });
const base = { formula: "for this test", lookback: 2 };

function rulesBrokenBy(create: () => { push(bar: Bar): number }): string[] {
  return [...new Set(checkFeature(defineFeature({ ...base, name: "probe", create }), bars).map((p) => p.rule))];
}

describe("checkFeature", () => {
  it("finds nothing wrong with built-in features", () => {
    const plan = planFeatures({ timeframes: [] }, { step: MINUTE, rows: 1e6 });
    const short = plan.features.filter((f) => f.warmup < 400);
    expect(
      short.flatMap((f) => checkFeature(f.definition, bars).map((p) => `${f.name}: ${p.rule} ${p.message}`)),
    ).toEqual([]);
  });

  it("finds a price that is not scale-free", () => {
    expect(rulesBrokenBy(() => ({ push: (bar) => bar.close }))).toEqual(["scale_free"]);
  });

  it("finds a memory longer than declared", () => {
    const rules = rulesBrokenBy(() => {
      let first = Number.NaN;
      return {
        push(bar) {
          if (Number.isNaN(first)) first = bar.close;
          return bar.close / first;
        },
      };
    });
    expect(rules).toEqual(["warm_up"]);
  });

  it("finds a value that is not defined", () => {
    expect(rulesBrokenBy(() => ({ push: (bar) => (bar.close - bar.low) / (bar.high - bar.low) }))).toContain("defined");
  });

  it("finds one that remembers the future of an earlier run", () => {
    const seen = new Map<number, number>();
    const rules = rulesBrokenBy(() => ({
      push(bar) {
        seen.set(bar.timestamp, bar.close);
        return (seen.get(bar.timestamp + MINUTE) ?? bar.close) / bar.close;
      },
    }));
    expect(rules).toContain("causal");
  });
});
