export { type BaseAnswers, basesOfRows, checkBases, whyEqual } from "./bases.js";
export { type Combination, combine } from "./combine.js";
export * from "./crossFit.js";
export * from "./explain.js";
export * from "./greedy.js";
export * from "./metaFeatures.js";
export * from "./metaLogistic.js";
export * from "./vote.js";
export * from "./votingWeights.js";
