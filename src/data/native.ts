import { createRequire } from "node:module";

const load: NodeJS.Require = createRequire(import.meta.url);

/**
 * DuckDB, loaded at its first use: many commands, and programs that only ask a model, never touch it. By `require`, because for an
 * `import` Node reads each of its 180 CommonJS files a second time, for their exports' names.
 */
export function duckdbApi(): typeof import("@duckdb/node-api") {
  return load("@duckdb/node-api");
}

/** DuckDB's own functions below that, for what the former does value by value. */
export function duckdbBindings(): typeof import("@duckdb/node-bindings") {
  return load("@duckdb/node-bindings");
}
