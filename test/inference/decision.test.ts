/** What a bundle makes of its probabilities, if it says so. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BundleManifest, renderManifest } from "../../src/artifacts/bundleManifest.js";
import type { Decision } from "../../src/artifacts/index.js";
import { NO_TRADE } from "../../src/evaluation/index.js";
import { decide, loadModel } from "../../src/inference/index.js";
import type { FeatureArray } from "../../src/types/index.js";
import { bundle, trees } from "./fixtures.js";

const SETS: NonNullable<Decision["sets"]> = { method: "plain", level: 0.9, rows: 500, thresholds: [0.7, 0.7, null] };
const EXPECTED: Decision["signal"] = { rule: "expected_value", class_returns: [-0.01, 0, 0.02], cost: 0.003 };
//                              E = 0.005      E = 0.001        E = −0.009
const P = Float32Array.of(0.3, 0.3, 0.4, 0.1, 0.85, 0.05, 0.9, 0.1, 0);

describe("a decision", () => {
  it("has the classes whose 1 − p its thresholds allow, and trades beyond its cost", () => {
    const { sets, signals } = decide({ sets: SETS, signal: EXPECTED }, P);
    expect([...sets!]).toEqual([1, 1, 1, 0, 1, 1, 1, 0, 1]);
    expect([...signals]).toEqual([1, 0, -1]);
    const dear: Decision = { sets: null, signal: { ...EXPECTED, cost: 0.006 } };
    expect(decide(dear, P)).toEqual({ sets: null, signals: Int8Array.of(NO_TRADE, 0, -1) });
    expect([...decide({ sets: null, signal: { ...EXPECTED, cost: null } }, P).signals]).toEqual([1, 0, -1]);
  });

  it("goes by probability or by the size of sets, those of its caller where there are such", () => {
    expect([...decide({ sets: SETS, signal: { rule: "probability", threshold: 0.5 } }, P).signals]).toEqual([
      NO_TRADE,
      0,
      -1,
    ]);
    const bySize: Decision = { sets: SETS, signal: { rule: "set_size" } };
    expect([...decide(bySize, P).signals]).toEqual([NO_TRADE, NO_TRADE, NO_TRADE]);
    const own = Uint8Array.of(0, 0, 1, 0, 1, 0, 0, 0, 0);
    expect(decide(bySize, P, own)).toEqual({ sets: own, signals: Int8Array.of(1, 0, NO_TRADE) });
  });

  it("of no rows is nothing", () => {
    const nothing = new Float32Array(0);
    expect(decide({ sets: SETS, signal: EXPECTED }, nothing)).toEqual({
      sets: new Uint8Array(0),
      signals: new Int8Array(0),
    });
  });
});

describe("a bundle", () => {
  const X: FeatureArray = { data: trees.X, shape: [trees.rows, 4], featureNames: trees.features };
  const decision: Decision = { sets: SETS, signal: EXPECTED };

  it("with a decision gives sets and signals beside what it gave before, and rows one by one as before", async () => {
    const [plain, model] = [await loadModel(await bundle()), await loadModel(await bundle({ decision }))];
    const { sets, signals, ...rest } = await model.predict(X);
    expect(rest).toEqual(await plain.predict(X));
    expect({ sets, signals }).toEqual(decide(decision, rest.probabilities));
    expect(new Set(signals).size).toBeGreaterThan(1);
    expect(await model.predictRow(trees.X.slice(0, 4))).toEqual(rest.probabilities.slice(0, 3));
  });

  it("of before there were decisions is served as it was", async () => {
    const dir = await bundle();
    const path = join(dir, "manifest.json");
    const { decision: none, sha256: _, ...old } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    expect(none).toBeNull();
    writeFileSync(path, renderManifest(old as BundleManifest));
    const model = await loadModel(dir);
    expect(model.manifest.decision).toBeNull();
    expect(Object.keys(await model.predict(X)).sort()).toEqual(["confidence", "predictions", "probabilities"]);
  });

  it("is not written with signals by set size and no sets", async () => {
    await expect(bundle({ decision: { sets: null, signal: { rule: "set_size" } } })).rejects.toThrow(/set size/);
  });
});
