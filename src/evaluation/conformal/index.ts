export * from "./adaptive.js";
export * from "./coverage.js";
export * from "./signal.js";
export * from "./split.js";
