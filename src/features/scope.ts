import type { Bar } from "../types/index.js";

/** The features that see the same bars in the same stream; intermediate results are shared within one. */
export class Scope {
  /** Tells apart streams of the same plan; carries nothing. */
  readonly id = Symbol("scope");
}

/**
 * An intermediate result that several features read: made once a scope and parameter, computed once a bar.
 *
 * Each bar must be an object of its own: a bar is recognised by identity, never by its time.
 */
export function shared<T>(
  make: (n: number, scope: Scope) => (bar: Bar) => T,
): (scope: Scope, n?: number) => (bar: Bar) => T {
  const scopes = new WeakMap<Scope, Map<number, (bar: Bar) => T>>();
  return (scope, n = 0) => {
    const made = scopes.get(scope) ?? new Map<number, (bar: Bar) => T>();
    scopes.set(scope, made);
    const node = made.get(n) ?? once(make(n, scope));
    made.set(n, node);
    return node;
  };
}

function once<T>(compute: (bar: Bar) => T): (bar: Bar) => T {
  let last: Bar | undefined;
  let value!: T;
  return (bar) => {
    if (bar !== last) {
      value = compute(bar);
      last = bar;
    }
    return value;
  };
}
