export * from "./atr.js";
export * from "./barrier.js";
export * from "./neutral.js";
export * from "./statistics.js";
export * from "./triple-barrier.js";
export * from "./uniqueness.js";
