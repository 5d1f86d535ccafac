export * from "./combinatorial.js";
export * from "./kFold.js";
export type { Split, SplitInput } from "./split.js";
export * from "./stopSlice.js";
export * from "./walkForward.js";
