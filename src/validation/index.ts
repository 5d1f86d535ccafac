export * from "./holdout.js";
export * from "./intervals.js";
export * from "./leak.js";
export * from "./length.js";
export * from "./splits/index.js";
export * from "./windows.js";
