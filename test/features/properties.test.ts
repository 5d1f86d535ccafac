import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { computeFeatures, type FeaturePlan, planFeatures, planFromSpec } from "../../src/features/index.js";
import type { Bars } from "../../src/types/index.js";
import { anyMarket, MINUTE, market, scaled, slice } from "./bars.js";

/** Between them every built-in feature, and every timeframe at a small ratio so that warm-ups stay short. */
const SETTINGS = [
  { step: 5 * MINUTE, timeframes: ["15m", "30m"] },
  { step: 60 * MINUTE, timeframes: ["4h"] },
  { step: 720 * MINUTE, timeframes: ["1d"] },
  { step: MINUTE, timeframes: [] as string[] },
  { step: null, timeframes: ["1h"] },
];
const ROWS = 1e9;
const RUNS = 3;

const settings = SETTINGS.map((setting) => ({
  ...setting,
  plan: planFeatures({ timeframes: setting.timeframes }, { step: setting.step, rows: ROWS }),
}));
const title = "of $step µs bars with $timeframes";

function rowsOf(plan: FeaturePlan, bars: Bars): Float32Array {
  return computeFeatures(plan, bars).X;
}

function shapeFor(plan: FeaturePlan, step: number | null) {
  // A tenth of the bars may be missing, and the rows after the warm-up are the ones that count.
  const bars = Math.ceil((plan.warmup + 150) / 0.85);
  return anyMarket(bars).map((shape) => ({ ...shape, step: step ?? MINUTE }));
}

/** Largest absolute value of each column. */
function columnSizes(X: Float32Array, width: number): Float64Array {
  const sizes = new Float64Array(width);
  X.forEach((x, i) => {
    if (Math.abs(x) > sizes[i % width]!) sizes[i % width] = Math.abs(x);
  });
  return sizes;
}

/** Names and rows where two matrices differ; `relative` 0 asks for the same bits. */
function differences(
  plan: FeaturePlan,
  a: Float32Array,
  b: Float32Array,
  options: { from?: number; to?: number; relative?: number } = {},
): string[] {
  const width = plan.features.length;
  const { from = 0, to = Math.min(a.length, b.length) / width, relative = 0 } = options;
  const found: string[] = [];
  // A value that is zero but for rounding has no relative error to speak of: 1e-9 of its column's size is rounding.
  const rounding = columnSizes(a, width).map((size) => relative * (1e-3 * size + 1e-6));
  for (let i = from * width; i < to * width && found.length < 5; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (Object.is(x, y) || x === y) continue;
    if (Math.abs(x - y) <= relative * Math.max(Math.abs(x), Math.abs(y)) + rounding[i % width]!) continue;
    found.push(`${plan.features[i % width]!.name} at row ${Math.floor(i / width)}: ${x} and ${y}`);
  }
  return found;
}

function check(plan: FeaturePlan, step: number | null, property: (bars: Bars, seed: number) => void): void {
  fc.assert(
    fc.property(shapeFor(plan, step), (shape) => property(market(shape), shape.seed)),
    { numRuns: RUNS },
  );
}

describe.each(settings)(`features ${title}`, ({ step, plan }) => {
  it("do not change when later bars are cut off", () => {
    check(plan, step, (bars, seed) => {
      const cut = 1 + (seed % (bars.n - 1));
      expect(differences(plan, rowsOf(plan, bars), rowsOf(plan, slice(bars, 0, cut)))).toEqual([]);
    });
  });

  it("do not change when later bars are others", () => {
    check(plan, step, (bars, seed) => {
      const cut = 1 + (seed % (bars.n - 1));
      const other = market({ seed: seed + 1, bars: bars.n, flat: 0, idle: 0, tick: 0.01 });
      const splice = (a: Float64Array, b: Float64Array) => Float64Array.from(a, (x, i) => (i < cut ? x : b[i]!));
      const changed: Bars = {
        ...bars,
        open: splice(bars.open, other.open),
        high: splice(bars.high, other.high),
        low: splice(bars.low, other.low),
        close: splice(bars.close, other.close),
        volume: splice(bars.volume, other.volume),
      };
      expect(differences(plan, rowsOf(plan, bars), rowsOf(plan, changed), { to: cut })).toEqual([]);
    });
  });

  it("do not change when prices are multiplied by 1.37", () => {
    check(plan, step, (bars) => {
      const found = differences(plan, rowsOf(plan, bars), rowsOf(plan, scaled(bars, 1.37)), { relative: 1e-6 });
      expect(found).toEqual([]);
    });
  });

  it("do not change when volumes are multiplied by 3.7", () => {
    check(plan, step, (bars) => {
      const more = { ...bars, volume: bars.volume.map((v) => v * 3.7) };
      expect(differences(plan, rowsOf(plan, bars), rowsOf(plan, more), { relative: 1e-6 })).toEqual([]);
    });
  });

  it("are finite after the warm-up", () => {
    check(plan, step, (bars) => {
      const X = rowsOf(plan, bars);
      const width = plan.features.length;
      const bad = plan.features.filter((feature, column) => {
        for (let row = feature.warmup; row < bars.n; row++) if (!Number.isFinite(X[row * width + column])) return true;
        return false;
      });
      expect(bad.map((f) => f.name)).toEqual([]);
    });
  });

  it("are the same from a stream that starts a feature's own warm-up earlier", () => {
    check(plan, step, (bars, seed) => {
      const X = rowsOf(plan, bars);
      const row = plan.warmup + (seed % (bars.n - plan.warmup));
      for (const warmup of new Set(plan.features.map((f) => f.warmup))) {
        const names = plan.features.filter((f) => f.warmup === warmup).map((f) => f.name);
        const late = computeFeatures(
          planFromSpec({ ...plan.spec, names }, { step }),
          slice(bars, row - warmup, row + 1),
        );
        const got = late.X.slice(-names.length);
        const batch = names.map((n) => X[row * plan.features.length + plan.spec.names.indexOf(n)]!);
        expect([...got].map((v, i) => [names[i], v])).toEqual(batch.map((v, i) => [names[i], v]));
      }
    });
  });
});
