import { describe, expect, it } from "vitest";
import { applyCalibrator, applyCalibratorForm, type Calibrator } from "../../src/evaluation/index.js";
import { graphCalibrator } from "../../src/training/calibration.js";
import { seededRandom } from "../../src/types/index.js";

const random = seededRandom(3);
const p = Float32Array.from({ length: 300 }, () => random.next() ** 3 + 1e-6);
for (let i = 0; i < p.length; i += 3) {
  const total = p[i]! + p[i + 1]! + p[i + 2]!;
  for (let k = 0; k < 3; k++) p[i + k]! /= total;
}
const prior: [number, number, number] = [0.3, 0.45, 0.25];

describe("what a graph computes for a calibrator", () => {
  it.each<[string, Calibrator]>([
    ["temperature", { kind: "temperature", temperature: 2.5 }],
    ["prior", { kind: "prior", lambda: 0.4, prior }],
    ["prior alone", { kind: "prior", lambda: 1, prior }],
    ["pool", { kind: "pool", power: 0.3, prior }],
    ["pool without the model", { kind: "pool", power: 0, prior }],
    ["vector", { kind: "vector", scale: [0.5, 1.5, 0], bias: [0.2, -0.3, 0.1] }],
  ])("is the formula of %s", (_, calibrator) => {
    const expected = applyCalibrator(calibrator, p);
    const got = applyCalibratorForm(p, graphCalibrator(calibrator, [-1, 0, 1]));
    expect(Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
  });

  it("is nothing for none", () => {
    expect(graphCalibrator({ kind: "none" }, [-1, 0, 1])).toBeNull();
    expect(applyCalibratorForm(p, null)).toBe(p);
  });

  it("leaves a class that training lacked at zero", () => {
    const lacking = Float32Array.from(
      p,
      (_, i) => [p[i]! / (p[i]! + p[i + 1]!), 1 - p[i - 1]! / (p[i - 1]! + p[i]!), 0][i % 3]!,
    );
    const calibrator: Calibrator = { kind: "prior", lambda: 0.5, prior: [0.5, 0.5, 0] };
    const got = applyCalibratorForm(lacking, graphCalibrator(calibrator, [-1, 0]));
    for (let i = 0; i < got.length; i += 3) {
      expect(got[i + 2]).toBe(0);
      expect(got[i]! + got[i + 1]!).toBeCloseTo(1, 6);
    }
  });
});
