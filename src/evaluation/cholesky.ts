/** x of A x = b, A (D, D) row-major, symmetric and positive definite, by Cholesky's decomposition. (D) */
export function solvePositive(A: Float64Array, b: Float64Array): Float64Array {
  const d = b.length;
  const L = new Float64Array(d * d);
  const x = b.slice();
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = A[i * d + j]!;
      for (let k = 0; k < j; k++) rest -= L[i * d + k]! * L[j * d + k]!;
      L[i * d + j] = i === j ? Math.sqrt(rest) : rest / L[j * d + j]!;
    }
    for (let k = 0; k < i; k++) x[i]! -= L[i * d + k]! * x[k]!;
    x[i]! /= L[i * d + i]!;
  }
  for (let i = d - 1; i >= 0; i--) {
    for (let k = i + 1; k < d; k++) x[i]! -= L[k * d + i]! * x[k]!;
    x[i]! /= L[i * d + i]!;
  }
  return x;
}
