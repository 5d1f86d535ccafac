import { seededRandom } from "../../src/types/index.js";

/** Labelled rows with a model's answers. */
export interface ModelRows {
  y: Int8Array;
  p: Float64Array;
}

/**
 * Exchangeable rows: logits are normal with deviation `spread`; the label follows softmax(logits × `truth`), where the model says
 * softmax(logits). A `truth` below 1 makes it over-confident; one that is a function of the row lets it drift.
 */
export function modelRows(
  n: number,
  { seed, spread, truth }: { seed: number; spread: number; truth: number | ((row: number) => number) },
): ModelRows {
  const random = seededRandom(seed);
  const y = new Int8Array(n);
  const p = new Float64Array(3 * n);
  const softmax = (a: number, b: number, c: number): [number, number, number] => {
    const [x, z, w] = [Math.exp(a), Math.exp(b), Math.exp(c)];
    return [x / (x + z + w), z / (x + z + w), w / (x + z + w)];
  };
  for (let i = 0; i < n; i++) {
    // The neutral class is likelier than the others.
    const [a, b, c] = [spread * random.normal(), 0.5 + spread * random.normal(), spread * random.normal()];
    p.set(softmax(a, b, c), 3 * i);
    const sharp = typeof truth === "number" ? truth : truth(i);
    const [short, neutral] = softmax(sharp * a, sharp * b, sharp * c);
    const u = random.next();
    y[i] = u < short ? -1 : u < short + neutral ? 0 : 1;
  }
  return { y, p };
}

/** Of all rows, those whose set holds their class. */
export function coverageOf(y: Int8Array, sets: Uint8Array): number {
  let covered = 0;
  for (let i = 0; i < y.length; i++) covered += sets[3 * i + y[i]! + 1]!;
  return covered / y.length;
}
